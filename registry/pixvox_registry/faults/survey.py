"""What lies under a path: cases, archives, DICOM series, and files that belong to none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pixvox_registry.errors import UserError
from pixvox_registry.faults.dataset_json import (
    DATASET,
    declared_labels,
    described,
    has_channels,
    listed_cases,
    listed_files,
)
from pixvox_registry.faults.finding import Finding
from pixvox_registry.faults.layout import (
    BESIDE,
    DICOM,
    PICTURES,
    STRAY,
    VOLUMES,
    Layout,
    files_of,
)
from pixvox_registry.faults.pairing import paired
from pixvox_registry.faults.splits import split_up

MAGIC = slice(128, 132)  # where a DICOM file says DICM
DOCUMENTS = ("licence", "license", "readme", "notice", "changes", "authors", "citation", "makefile")


def survey(path: Path) -> Layout:
    """A folder, or one file as if it lay in a folder alone.

    Raises:
        UserError: nothing there can be verified.
    """
    root = path if path.is_dir() else path.parent
    files, findings = files_of(path)
    kinds = _kinds(root, files)
    held, faults = described(root) if path.is_dir() else (None, [])
    findings += faults
    if held is not None and isinstance(held.get("training"), list):
        cases, faults = listed_cases(held, files)
        findings += [*faults, *_unlisted(listed_files(held), files)]
        kinds.clear()
    else:
        cases = []
        for kind in ("volume", "picture"):
            more, faults = paired(kinds[kind])
            cases, findings = cases + more, findings + faults
        findings += [STRAY.at(file, "a file of no known kind") for file in kinds["stray"]]
        if not (cases or kinds["archive"] or kinds["dicom"]):
            raise _nothing(path, files)
    if path.is_dir():
        cases, faults = split_up(root, cases)
        findings += faults
    return Layout(
        root=root,
        cases=tuple(cases),
        archives=tuple(kinds["archive"]),
        series=_folders(kinds["dicom"]),
        declared=declared_labels(held or {}),
        channels_due=has_channels(held or {}),
        findings=tuple(findings),
    )


def _kinds(root: Path, files: Sequence[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for file in files:
        kinds[kind_of_file(root, file)].append(file)
    return kinds


def kind_of_file(root: Path, file: str) -> str:
    """``volume``, ``picture``, ``archive``, ``dicom``, ``beside`` or ``stray``."""
    name = file.lower()
    for kind, suffixes in (
        ("volume", VOLUMES),
        ("picture", PICTURES),
        ("archive", (".npz",)),
        ("dicom", DICOM),
        ("beside", BESIDE),
    ):
        if name.endswith(suffixes):
            return kind
    if PurePosixPath(name).stem in DOCUMENTS:
        return "beside"
    with (root / file).open("rb") as stream:
        return "dicom" if stream.read(MAGIC.stop)[MAGIC] == b"DICM" else "stray"


def _unlisted(listed: Collection[str], files: Sequence[str]) -> list[Finding]:
    return [
        STRAY.at(file, f"{DATASET} does not list it")
        for file in files
        if file not in listed and not file.lower().endswith(BESIDE)
    ]


def _folders(files: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    folders: dict[str, list[str]] = defaultdict(list)
    for file in files:
        folders[str(PurePosixPath(file).parent)].append(file)
    return tuple((folder, tuple(group)) for folder, group in sorted(folders.items()))


def _nothing(path: Path, files: Sequence[Any]) -> UserError:
    there = Counter(Path(file).suffix.lower() or "no suffix" for file in files)
    found = ", ".join(f"{count} {suffix}" for suffix, count in there.most_common(5))
    return UserError(
        f"{path} holds nothing to verify: NIfTI, DICOM, pictures or MedMNIST npz files were looked "
        f"for, {found or 'nothing'} was found. Name the folder that holds the data."
    )
