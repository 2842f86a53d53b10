"""Outlines made elsewhere: a folder of label maps, laid out as ``predictions.save`` has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from pixvox_benchmarks.attendance import check_attendance
from pixvox_benchmarks.outline_file import read_outline
from pixvox_registry.decoded import files_below, folder_of, read_all, some
from pixvox_registry.errors import UserError
from pixvox_registry.scans import Scans
from pixvox_registry.volume import SUFFIXES

ENDINGS = {2: (".png",), 3: SUFFIXES}


def read_outlines(
    folder: Path, scans: Scans, structures: Sequence[str], *, allow_missing: bool = False
) -> dict[int, Tensor]:
    """``{row of a scan: label map [*S] uint8}``; a volume is brought to canonical axes.

    Raises:
        NoData: the folder is not there.
        UserError: a file of no scan, scans without a file, or files that are no label maps of
            these structures on the grid of their original.
    """
    root = folder_of(str(folder), "pixvox score")
    row_of = {place_of(case): row for row, case in enumerate(scans.ids)}
    if len(row_of) < len(scans):
        raise UserError("Two scans of this split would share a file; their names must differ.")
    files = files_below(root, ENDINGS[scans.dims])
    named = [_bare(file, ENDINGS[scans.dims]) for file in files]
    check_attendance(named, list(row_of), root, allow_missing=allow_missing)
    rows = {root / file: row_of[name] for file, name in zip(files, named, strict=True)}

    def read(file: Path) -> Tensor:
        mask = read_outline(file, scans, rows[file])
        if len(strange := np.unique(mask[mask > len(structures)])):
            known = ", ".join(f"{label} {name}" for label, name in enumerate(structures, 1))
            values = some([str(value) for value in strange])
            raise UserError(f"it holds the value {values}; labels are 0, {known}")
        return torch.from_numpy(mask)

    masks, faults = {}, []
    for file, answer in read_all(root, files, read):
        if isinstance(answer, str):
            faults.append(f"{file} ({answer})")
        else:
            masks[rows[root / file]] = answer
    if faults:
        raise UserError(
            f"{len(faults)} of {len(files)} files in {root} cannot be scored: {some(faults)}. A "
            "prediction is a label map on the grid of its original; write these anew."
        )
    return masks


def place_of(case: str) -> str:
    """Where ``predictions.save`` puts a case, below its folder and without a suffix.

    >>> place_of("a/scan.nii.gz"), place_of("../b")
    ('a/scan', 'b')
    """
    bare = PurePosixPath(case.removesuffix(".gz").removesuffix(".nii"))
    return "/".join(part for part in bare.parts if part not in ("/", ".."))


def _bare(file: str, endings: Sequence[str]) -> str:
    return re.sub(rf"({'|'.join(map(re.escape, endings))})$", "", file, flags=re.IGNORECASE)
