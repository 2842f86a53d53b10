"""A DICOM series as one volume: slices by their position, in real values, in the patient's axes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from pixvox_registry.errors import UserError
from pixvox_registry.faults.dicom_file import Slice, read_header, read_slice
from pixvox_registry.faults.dicom_series import faults_of_slices, in_order, stacked
from pixvox_registry.faults.finding import ERROR, Finding, Unsound
from pixvox_registry.faults.layout import files_of
from pixvox_registry.faults.survey import kind_of_file

NO_IMAGE = ("KO", "PR", "RTDOSE", "RTPLAN", "RTSTRUCT", "SEG", "SR")  # modalities made from images
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM's x and y run to left and posterior


@dataclass(frozen=True)
class Series:
    """The files of one series, relative to their root, as headers have them.

    Args:
        patient: PatientID; empty where it is not said.
    """

    id: str
    files: tuple[str, ...]
    modality: str
    patient: str


def series_below(root: Path, *, skip_broken: bool = False) -> tuple[Series, ...]:
    """Every series of images, whichever folders its files lie in, sorted by id.

    A series that has a folder to itself is called as the folder, any other by its UID.

    Raises:
        UserError: there is none, or a file that cannot be read and is not to be skipped.
    """
    held: dict[tuple[str, str], list[Slice]] = defaultdict(list)
    for read in headers_below(root, skip_broken=skip_broken):
        held[read.series].append(read)
    if not held:
        raise UserError(f"{root} holds no DICOM image. Name the folder that holds the series.")
    folders = {key: {str(PurePosixPath(s.file).parent) for s in held[key]} for key in held}
    shared = [folder for found in folders.values() for folder in found]
    named = []
    for (uid, frames), slices in held.items():
        folder = min(folders[uid, frames])
        alone = folders[uid, frames] == {folder} and shared.count(folder) == 1 and folder != "."
        first = slices[0].header
        named.append(
            Series(
                id=folder if alone else frames or str(PurePosixPath(folder, uid or "unknown")),
                files=tuple(read.file for read in slices),
                modality=str(first.get("Modality", "unknown")),
                patient=str(first.get("PatientID") or ""),
            )
        )
    return tuple(sorted(named, key=lambda series: series.id))


def headers_below(root: Path, *, skip_broken: bool = False) -> Iterator[Slice]:
    """Headers of all files that hold an image, without their pixels.

    Raises:
        UserError: a file cannot be read, and is not to be skipped.
    """
    files, _ = files_of(root)
    for file in files:
        if kind_of_file(root, file) != "dicom":
            continue
        try:
            header = read_header(root, file)
        except Unsound as unsound:
            if skip_broken:
                continue
            raise UserError(
                f"{root / file} cannot be read ({unsound.finding.text}). Mend or remove it, or "
                "leave it out with skip_broken=true."
            ) from None
        if "Rows" in header and header.get("Modality") not in NO_IMAGE:
            yield Slice(file, header, np.empty(0))


def image_of_series(files: Sequence[Path]) -> Any:
    """nibabel's image of the files of one series, in any order; voxels are real values.

    Raises:
        UserError: a file cannot be read, or the slices do not make up one box: a gap, one place
            twice, another size, spacing, angle, no position, colour, or a single slice.
    """
    try:
        slices = [read_slice(file.parent, file.name) for file in files]
    except Unsound as unsound:
        raise UserError(_said(unsound.finding)) from None
    faults = [fault for fault in faults_of_slices("the series", slices) if fault.severity == ERROR]
    if faults:
        raise UserError("; ".join(_said(fault) for fault in faults[:5]))
    if len(slices) == 1:
        frames = int(slices[0].header.get("NumberOfFrames") or 1)
        what = "a single slice" if frames == 1 else f"{frames} frames in one file"
        raise UserError(f"it is {what}, and a volume is read from slices in files of their own")
    ordered = in_order(slices)
    image: Any = nibabel.Nifti1Image(stacked(slices), _affine(ordered))  # type: ignore[no-untyped-call]
    return image


def image_of_folder(folder: Path) -> Any:
    """The one series of a folder.

    Raises:
        UserError: as :func:`image_of_series`, or there are several.
    """
    found = series_below(folder)
    if len(found) > 1:
        names = ", ".join(series.id for series in found[:5])
        raise UserError(f"it holds {len(found)} series, one is wanted: {names}")
    return image_of_series([folder / file for file in found[0].files])


def _affine(ordered: Sequence[Slice]) -> NDArray[np.float64]:
    """``[4, 4]`` from (slice, row, column) to mm: right, anterior, superior."""
    first, last = ordered[0], ordered[-1]
    spacing = first.header.get("PixelSpacing")
    if spacing is None:
        raise UserError(f"{first.file} does not say its PixelSpacing")
    between_rows, between_columns = map(float, spacing)
    along_row, along_column, _ = first.axes
    affine = np.eye(4)
    affine[:3, 0] = (last.position_mm - first.position_mm) / (len(ordered) - 1)
    affine[:3, 1] = along_column * between_rows
    affine[:3, 2] = along_row * between_columns
    affine[:3, 3] = first.position_mm
    return LPS @ affine


def _said(fault: Finding) -> str:
    return f"{', '.join(fault.files)}: {fault.text}"
