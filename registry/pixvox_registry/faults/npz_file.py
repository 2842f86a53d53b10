"""An npz file as MedMNIST publishes them: images and classes by split (arXiv:2110.14795)."""

from __future__ import annotations

import math
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.artifacts import digest
from pixvox_registry.faults.content import UNREADABLE, Content
from pixvox_registry.faults.duplicates import Imprint, marks_of
from pixvox_registry.faults.finding import Finding, Unsound, error, warning
from pixvox_registry.faults.labels import UNDECLARED
from pixvox_registry.faults.pairing import MISSING
from pixvox_registry.faults.values import faults_of_contrast, faults_of_values
from pixvox_registry.medmnist_table import Entry, table

SPLITS = ("train", "val", "test")

UNOFFICIAL = warning(
    "unofficial-file",
    "a file is named after a MedMNIST set, and its md5 is not the official one",
    "Fetch the official file with `pixvox data get`, or say in every result that it is unverified.",
)
COUNT = error(
    "count-mismatch",
    "a split has another number of classes than of images, or holds no images",
    "Write both again from one list of cases.",
)


def faults_of_npz(root: Path, file: str) -> tuple[list[Finding], list[Imprint]]:
    """Every split of a file; its images are kept for as long as their imprints are."""
    findings = _faults_of_name(root / file, file)
    imprints: list[Imprint] = []
    try:
        names = _members(root / file, file)
        splits = [split for split in SPLITS if f"{split}_images" in names]
        if not splits:
            said = f"it holds {', '.join(sorted(names)) or 'nothing'}, and no train_images"
            raise Unsound(UNREADABLE.at(file, said))
        for split in splits:
            images = _array(root / file, f"{split}_images", file)
            if images.ndim not in (3, 4, 5) or not images[:1].size:
                said = f"{split}_images have the shape {images.shape}"
                raise Unsound(COUNT.at(file, said))
            if f"{split}_labels" in names:
                labels = _array(root / file, f"{split}_labels", file)
                findings += _faults_of_classes(file, split, labels, len(images))
            else:
                findings.append(MISSING.at(file, f"{split}_images without {split}_labels"))
            findings += _faults_of_images(file, split, images)
            imprints += _imprints(file, split, images)
    except Unsound as unsound:
        findings.append(unsound.finding)
    return findings, imprints


def _faults_of_name(path: Path, file: str) -> list[Finding]:
    entry, size = _official(path.stem)
    if entry is None:
        return []
    official = entry.md5.get(size)
    found = digest(path, "md5")
    if found == official:
        return []
    return [UNOFFICIAL.at(file, f"its md5 is {found}, the official one {official or 'unknown'}")]


def _official(stem: str) -> tuple[Entry | None, str]:
    """The set that a file is named after, and its size as the table spells it."""
    flags = [flag for flag in table().sets if stem.startswith(flag)]
    if not flags:
        return None, ""
    flag = max(flags, key=len)
    return table().sets[flag], stem.removeprefix(flag).removeprefix("_") or "28"


def _members(path: Path, file: str) -> set[str]:
    try:
        with zipfile.ZipFile(path) as members:
            return {name.removesuffix(".npy") for name in members.namelist()}
    except (OSError, zipfile.BadZipFile) as fault:
        raise Unsound(UNREADABLE.at(file, str(fault))) from None


def _array(path: Path, name: str, file: str) -> NDArray[Any]:
    """A member to its checksum, which stands at the end; no pickle."""
    try:
        with zipfile.ZipFile(path) as members, members.open(f"{name}.npy") as stream:
            array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
            stream.read()
    except Exception as fault:  # a damaged zip raises whatever its bytes lead to
        raise Unsound(UNREADABLE.at(file, f"{name}: {fault}")) from None
    if not array.ndim:
        raise Unsound(UNREADABLE.at(file, f"{name} is one number"))
    return array


def _faults_of_classes(file: str, split: str, labels: NDArray[Any], number: int) -> list[Finding]:
    findings = []
    if len(labels) != number:
        findings.append(COUNT.at(file, f"{split} holds {number} images and {len(labels)} classes"))
    entry, _ = _official(Path(file).stem)
    if entry is not None and labels.size:
        several = entry.task.startswith("multi-label")
        known = np.arange(2 if several else len(entry.classes))
        strange = np.setdiff1d(labels, known)
        if strange.size:
            said = f"{split}_labels hold {strange[:8].tolist()}; there are 0 to {known[-1]}"
            findings.append(UNDECLARED.at(file, said))
    return findings


def _faults_of_images(file: str, split: str, images: NDArray[Any]) -> list[Finding]:
    findings = faults_of_values(Content(file=f"{file}:{split}", stored=images, dims=2))
    flat = images.reshape(len(images), math.prod(images.shape[1:]))
    for row in np.flatnonzero((flat == flat[:, :1]).all(axis=1)):
        where = f"{file}:{split}/{row:05d}"
        findings += faults_of_contrast(Content(file=where, stored=images[row], dims=2))
    return findings


def _imprints(file: str, split: str, images: NDArray[Any]) -> list[Imprint]:
    """Of ``[N, *S]`` or ``[N, *S, 3]``."""
    if images.dtype.kind not in "iufb":
        return []
    coloured = images.ndim > 3 and images.shape[-1] == 3
    dims = images.ndim - 1 - coloured
    return [
        Imprint(
            where=f"{file}:{split}/{row:05d}",
            split=split,
            sides=images.shape[1 : 1 + dims],
            dims=dims,
            marks=marks,
            load=partial(images.__getitem__, row),
        )
        for row, marks in enumerate(marks_of(images, dims))
    ]
