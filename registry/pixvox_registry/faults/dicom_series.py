"""A folder of DICOM files: one series, whole, its slices evenly spaced along their normal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.faults.content import RGB, Content
from pixvox_registry.faults.dicom_file import Slice, read_slice
from pixvox_registry.faults.duplicates import Imprint, marks_of
from pixvox_registry.faults.finding import Finding, Unsound, error
from pixvox_registry.faults.grid import ORIENTATION, SHAPE, SHEAR, SHEARED, SPACING
from pixvox_registry.faults.layout import split_of
from pixvox_registry.faults.values import faults_of_contrast, faults_of_values

GAP = 1.5  # of the usual distance of slices
UNEVEN = 0.01  # of it
SAME = 1e-2  # of it

MIXED = error(
    "mixed-series",
    "DICOM files of several series lie in one folder",
    "Give each series (SeriesInstanceUID) a folder of its own.",
)
NO_POSITION = error(
    "no-position",
    "slices of a DICOM series do not say where they lie, so their order is unknown",
    "Export the series again with ImagePositionPatient and ImageOrientationPatient.",
)
SAME_SLICE = error(
    "duplicate-slice",
    "two slices of a DICOM series lie at one place",
    "Remove one, or part the phases of a dynamic series.",
)
GAP_IN_SERIES = error(
    "missing-slice",
    "a DICOM series has a gap of 1.5 or more times its usual distance of slices",
    "Fetch the slice that is missing.",
)
UNEVEN_SERIES = error(
    "uneven-slices",
    "distances of slices differ by more than 1 % within a DICOM series",
    "Resample to even distances by the slices' own positions.",
)


def faults_of_series(
    root: Path, folder: str, files: Sequence[str]
) -> tuple[list[Finding], list[Imprint]]:
    """Every series of a folder, as one volume each."""
    series: dict[tuple[str, str], list[Slice]] = defaultdict(list)
    findings: list[Finding] = []
    for file in files:
        try:
            read = read_slice(root, file)
        except Unsound as unsound:
            findings.append(unsound.finding)
            continue
        series[read.series].append(read)
    if len(identities := {identity for identity, _ in series}) > 1:
        said = f"{sum(map(len, series.values()))} files of {len(identities)} series"
        findings.append(MIXED.at(folder, said))
    imprints = []
    for slices in series.values():
        where = slices[0].file if len(series) > 1 or len(files) == 1 else folder
        faults = faults_of_slices(where, slices)
        findings += faults
        if not any(fault.code == SHAPE.code for fault in faults):
            volume = stacked(slices)
            findings += _faults_of_volume(where, volume)
            imprints.append(_imprint(root, where, slices, volume))
    return findings, imprints


def faults_of_slices(where: str, slices: Sequence[Slice]) -> list[Finding]:
    """Of a series of one slice per file."""
    first = slices[0]
    if len(slices) == 1:
        return []
    findings = []
    if first.colours > 1:
        findings.append(RGB.at(where, f"its voxels are {first.colours} colours"))
    for other in slices[1:]:
        files = (other.file, first.file)
        if other.pixels.shape != first.pixels.shape:
            said = f"{other.pixels.shape} pixels beside {first.pixels.shape}"
            findings.append(SHAPE.at(files, said))
        mm, its = (read.header.get("PixelSpacing") for read in (first, other))
        if (mm is None) != (its is None) or (mm and not np.allclose(its, mm, rtol=1e-3)):
            findings.append(SPACING.at(files, f"pixels of {its} mm beside {mm} mm"))
    return findings or _faults_of_places(where, slices)


def _faults_of_places(where: str, slices: Sequence[Slice]) -> list[Finding]:
    axes = slices[0].axes
    lost = int((~np.isfinite(_places(slices)[:, 2])).sum())
    if lost:
        return [NO_POSITION.at(where, f"{lost} of {len(slices)} slices have no position")]
    turned = [read.file for read in slices if np.abs(read.axes - axes).max() > SHEAR]
    if turned:
        said = f"{len(turned)} of {len(slices)} slices lie at another angle"
        return [ORIENTATION.at([*turned[:5], slices[0].file], said)]
    ordered = in_order(slices)
    places = _places(ordered)
    return [*_faults_of_steps(where, ordered, np.diff(places[:, 2])), *_lean(where, places)]


def _faults_of_steps(
    where: str, ordered: Sequence[Slice], steps: NDArray[np.float64]
) -> list[Finding]:
    """From each slice to the next, in mm along the normal."""
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    findings = []
    for before, after, step in zip(ordered, ordered[1:], steps, strict=False):
        files = (after.file, before.file)
        if step <= SAME * usual:
            findings.append(SAME_SLICE.at(files, f"{step:.3g} mm apart; usual are {usual:.3g} mm"))
        elif step >= GAP * usual:
            said = f"a gap of {step:.4g} mm where slices are {usual:.4g} mm apart"
            findings.append(GAP_IN_SERIES.at(files, said))
    if not findings and np.abs(steps / usual - 1).max() > UNEVEN:
        said = f"slices are {steps.min():.4g} to {steps.max():.4g} mm apart"
        findings.append(UNEVEN_SERIES.at(where, said))
    return findings


def _lean(where: str, places: NDArray[np.float64]) -> list[Finding]:
    """Do slices drift within their plane as they are stacked?"""
    across, along = np.linalg.norm(np.ptp(places[:, :2], axis=0)), np.ptp(places[:, 2])
    if across <= SHEAR * along:
        return []
    angle = np.degrees(np.arctan2(along, across))
    said = f"slices are stacked at {angle:.2f} degrees to their plane, not at 90"
    return [SHEARED.at(where, said)]


def in_order(slices: Sequence[Slice]) -> list[Slice]:
    """From first to last along the normal of the first one; unknown ones last, as they came."""
    return [slices[row] for row in np.argsort(_places(slices)[:, 2], kind="stable")]


def _places(slices: Sequence[Slice]) -> NDArray[np.float64]:
    """``[N, 3]`` mm along a row, a column and the normal of the first one; NaN if not known."""
    return np.stack([read.position_mm for read in slices]) @ slices[0].axes.T


def stacked(slices: Sequence[Slice]) -> NDArray[Any]:
    """``[D, H, W]`` of many slices; one file as it is."""
    if len(slices) == 1:
        return slices[0].pixels
    return np.stack([read.pixels for read in in_order(slices)])


def _faults_of_volume(where: str, volume: NDArray[Any]) -> list[Finding]:
    content = Content(file=where, stored=volume, dims=3)
    return [*faults_of_values(content), *faults_of_contrast(content)]


def _imprint(root: Path, where: str, slices: Sequence[Slice], volume: NDArray[Any]) -> Imprint:
    dims = volume.ndim - (slices[0].colours > 1)
    files = [read.file for read in slices]
    return Imprint(
        where=where,
        split=split_of(files[0]),
        sides=volume.shape[:dims],
        dims=dims,
        marks=marks_of(volume[None], dims)[0],
        load=partial(_volume, root, files),
    )


def _volume(root: Path, files: Sequence[str]) -> NDArray[Any]:
    return stacked([read_slice(root, file) for file in files])
