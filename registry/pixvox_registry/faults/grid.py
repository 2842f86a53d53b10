"""Geometry that headers show: one file against itself, and a label against its image."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import nibabel
import numpy as np
from numpy.typing import NDArray

from pixvox_registry.faults.finding import Finding, error, warning

SHIFT_VOXELS = 0.1  # a quaternion of float32 may put the far corner of a large volume this far off
SPACING_SHARE = 1e-3  # 0.977 for 0.9765625 is rounding; one percent is another grid
SHEAR = 1e-3  # cosine of the angle between two axes

ZERO_CODES = error(
    "zero-codes",
    "sform_code and qform_code are both 0, so nobody knows where and how the voxels lie",
    "Set the affine from the original series; readers guess it otherwise, and not alike.",
)
FORMS = error(
    "sform-qform-mismatch",
    "sform and qform are both valid and put voxels more than 0.1 voxel apart, or differ in spacing",
    "Decide which one is right and write it to both, or set the code of the other to 0.",
)
PIXDIM = error(
    "pixdim-mismatch",
    "the spacing in pixdim differs by more than 0.1 % from that of the affine which is valid",
    "Write the spacing that is right to both; readers differ in which one they take.",
)
SHEARED = warning(
    "sheared-affine",
    "the axes of the affine are not at right angles, so a box of voxels is no box in space",
    "Resample to a rectangular grid before lengths, volumes or distances are taken.",
)
SINGULAR = error(
    "singular-affine",
    "the affine has a zero or infinite axis, or two that coincide",
    "Write the affine anew from the original series.",
)
SHAPE = error(
    "shape-mismatch",
    "a label, another image of the case or a slice of the series has other sides than the first",
    "Resample it to the image's grid, or pair it with the image it was drawn on.",
)
ORIENTATION = error(
    "orientation-mismatch",
    "axes of a label run otherwise than its image's: a flip or other axes; or slices are turned",
    "Reorient it to the image's axes, and look at both in one viewer.",
)
SPACING = error(
    "spacing-mismatch",
    "the spacing of a label differs by more than 0.1 % from its image's, or that of a slice",
    "Copy the image's header if the label was drawn on it, otherwise resample.",
)
AFFINE = error(
    "affine-mismatch",
    "shape, axes and spacing agree, yet voxels lie more than 0.1 voxel apart: shift or rotation",
    "Copy the image's affine if the label was drawn on it, otherwise resample.",
)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Where voxels lie, in mm.

    Args:
        affine: ``[4, 4]``, the valid one.
        pixdim_mm: spacing as the header states it beside the affine.
        sform, qform: ``[4, 4]``, or None where its code is 0.
    """

    sides: tuple[int, ...]
    affine: NDArray[np.float64]
    pixdim_mm: tuple[float, ...]
    sform: NDArray[np.float64] | None
    qform: NDArray[np.float64] | None

    @property
    def spacing_mm(self) -> NDArray[np.float64]:
        """``[3]``, of the affine."""
        lengths: NDArray[np.float64] = np.linalg.norm(self.affine[:3, :3], axis=0)
        return lengths

    @property
    def usable(self) -> bool:
        """Are there three axes that span space?"""
        axes = self.affine[:3, :3]
        if not np.isfinite(self.affine).all() or not self.spacing_mm.all():
            return False
        return bool(abs(np.linalg.det(axes / self.spacing_mm)) > 1e-3)

    @property
    def orientation(self) -> str:
        """Where each axis runs to, for example ``RAS``."""
        return "".join(nibabel.aff2axcodes(self.affine))  # type: ignore[no-untyped-call]


def faults_of_grid(file: str, grid: Grid) -> list[Finding]:
    """What one header contradicts itself in."""
    if grid.sform is None and grid.qform is None:
        return [ZERO_CODES.at(file, "sform_code and qform_code are 0")]
    if not grid.usable:
        return [SINGULAR.at(file, f"the affine's axes are {_rows(grid.affine)}")]
    cosine = _largest_cosine(grid.affine)
    sheared = cosine > SHEAR
    share = 0.0 if sheared else _share(np.array(grid.pixdim_mm), grid.spacing_mm)
    findings = []
    if sheared:
        angle = np.degrees(np.arccos(cosine))
        findings.append(SHEARED.at(file, f"two axes meet at {angle:.2f} degrees, not at 90"))
    if grid.sform is not None and grid.qform is not None:
        straight = _unsheared(grid.sform) if sheared else grid.sform  # a qform cannot shear
        apart = farthest(straight, grid.qform, grid.sides) / grid.spacing_mm.min()
        if not apart <= SHIFT_VOXELS or share:
            said = f"sform and qform put a corner {apart:.2f} voxels apart; spacings {share:.2%}"
            findings.append(FORMS.at(file, said))
    elif share:
        said = f"pixdim says {_mm(grid.pixdim_mm)}, the affine {_mm(grid.spacing_mm)}: {share:.2%}"
        findings.append(PIXDIM.at(file, said))
    return findings


def faults_between_grids(image: str, grid: Grid, other: str, its: Grid) -> list[Finding]:
    """The first of shape, orientation, spacing and place in which ``other`` differs."""
    files = (other, image)
    if not (grid.usable and its.usable):
        return []
    if grid.orientation != its.orientation:
        said = f"its axes run {its.orientation}, those of the image {grid.orientation}"
        return [ORIENTATION.at(files, said)]
    for ours, theirs in ((grid.spacing_mm, its.spacing_mm), (grid.pixdim_mm, its.pixdim_mm)):
        if share := _share(np.array(theirs), np.array(ours)):
            said = f"its spacing is {_mm(theirs)}, the image's {_mm(ours)}: {share:.2%} apart"
            return [SPACING.at(files, said)]
    apart_mm = farthest(grid.affine, its.affine, grid.sides)
    apart = apart_mm / grid.spacing_mm.min()
    if apart <= SHIFT_VOXELS:
        return []
    said = f"up to {apart:.2f} voxels ({apart_mm:.3g} mm) from the image's place"
    turned = _degrees(grid.affine, its.affine)
    shift_mm = np.linalg.norm(its.affine[:3, 3] - grid.affine[:3, 3])
    return [
        AFFINE.at(files, f"{said}: turned by {turned:.2f} degrees, origin {shift_mm:.3g} mm off")
    ]


def farthest(one: NDArray[np.float64], other: NDArray[np.float64], sides: tuple[int, ...]) -> float:
    """mm between the two places of the corner on which two affines differ most."""
    corners = np.array([[*corner, 1] for corner in product(*[(0, side - 1) for side in sides[:3]])])
    return float(np.linalg.norm(corners @ (one - other)[:3].T, axis=1).max())


def _largest_cosine(affine: NDArray[np.float64]) -> float:
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return float(np.abs(axes.T @ axes - np.eye(3)).max())


def _unsheared(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest affine with right angles, as nibabel writes a sheared one into a qform."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / lengths)
    straight = affine.copy()
    straight[:3, :3] = (left @ right) * lengths
    return straight


def _share(given: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """How far apart two spacings are, as a share of the second; 0 within tolerance."""
    share = float(np.abs(given / wanted - 1).max())
    return share if not share <= SPACING_SHARE else 0.0


def _degrees(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The angle of the rotation that takes the axes of one affine to those of the other."""
    ours, theirs = (a[:3, :3] / np.linalg.norm(a[:3, :3], axis=0) for a in (one, other))
    return float(np.degrees(np.arccos(np.clip((np.trace(ours.T @ theirs) - 1) / 2, -1, 1))))


def _mm(spacing: tuple[float, ...] | NDArray[np.float64]) -> str:
    return " x ".join(f"{mm:.4g}" for mm in spacing) + " mm"


def _rows(affine: NDArray[np.float64]) -> str:
    return " ".join(str([round(float(x), 4) for x in row]) for row in affine[:3, :3])
