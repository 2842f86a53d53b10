"""Volumes: a NIfTI file brought to canonical axes, one spacing, one scale and one box."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.errors import UserError

SUFFIXES = (".nii", ".nii.gz")
MODALITIES = {"mr": (-3.0, 3.0), "ct": (-1.0, 1.0)}  # black and white of each
WINDOW_HU = (-1000.0, 1000.0)  # air to dense bone
SLACK = 1e-4  # of a label that a slope of float32 brings back
PIECE = 1 << 24  # bytes
CLIPPED = (0.5, 99.5)  # percentiles of what is not background


def read_volume(
    file: Path, *, size: int | None, spacing_mm: float | None, modality: str
) -> NDArray[np.float16]:
    """``[1, D, H, W]``: slices from inferior to superior, then rows, then columns.

    Rows run from posterior to anterior, columns from left to right.

    Args:
        size: side of a cube, in voxels: the middle is kept, and what is missing is background;
            None keeps the volume whole.
        spacing_mm: of the voxels after resampling, along every axis; None keeps them as they are.
        modality: ``mr``: clipped at percentiles of the foreground, mean 0 and standard deviation 1
            in it; ``ct``: Hounsfield units from -1000 to 1000 to the range from -1 to 1.

    Raises:
        UserError: no volume of plain, finite numbers.
    """
    voxels, spacings = canonical(file)
    if spacing_mm is not None:
        voxels = resampled(voxels, [mm / spacing_mm for mm in spacings])
    scaled = of_ct(voxels) if modality == "ct" else of_mr(voxels)
    return (scaled if size is None else boxed(scaled, size))[None].astype(np.float16)


def read_mask(file: Path, *, size: int | None, spacing_mm: float | None) -> NDArray[np.uint8]:
    """``[1, D, H, W]`` of labels, axes and box as :func:`read_volume` has them.

    Raises:
        UserError: no volume of labels from 0 to 255. A label that was stored with a slope is
            rounded, if it is no farther from a whole number than half a step of its type.
    """
    import nibabel

    voxels, spacings = canonical(file)
    whole = voxels.round()
    slope = abs(cast("Any", nibabel.load(file)).dataobj.slope)
    exact = slope / 2 + SLACK if slope < 1 else 0.0  # half a step of the stored type
    if np.abs(voxels - whole).max() > exact:
        raise UserError("it holds other values than labels from 0 to 255")
    voxels = whole
    if spacing_mm is not None:
        voxels = resampled(voxels, [mm / spacing_mm for mm in spacings], order=0)
    if voxels.min() < 0 or voxels.max() > 255:
        raise UserError("it holds other values than labels from 0 to 255")
    return (voxels if size is None else boxed(voxels, size))[None].astype(np.uint8)


def canonical(file: Path) -> tuple[NDArray[np.float32], list[float]]:
    """Voxels from inferior to superior, posterior to anterior, left to right; spacings in mm.

    Raises:
        UserError: no volume of plain, finite numbers.
    """
    import nibabel

    _read_to_the_end(file)
    image: Any = nibabel.load(file)
    if image.get_data_dtype().kind not in "iuf":
        raise UserError(f"it holds {image.get_data_dtype()}, and no plain numbers")
    turned: Any = nibabel.as_closest_canonical(image)  # type: ignore[no-untyped-call]
    voxels = np.asarray(turned.get_fdata(dtype=np.float32))
    spacings = [float(mm) for mm in turned.header.get_zooms()[:3]]
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim != 3:
        raise UserError(f"it has the shape {voxels.shape}, and is no volume")
    if not np.isfinite(voxels).all():
        raise UserError("it holds NaN or infinity")
    return voxels.transpose(2, 1, 0), spacings[::-1]


def _read_to_the_end(file: Path) -> None:
    """nibabel stops at the last voxel, and the checksum of a compressed file stands after it."""
    if file.name.lower().endswith(".gz"):
        with gzip.open(file) as stream:
            while stream.read(PIECE):
                pass


def resampled(
    voxels: NDArray[np.float32], factors: list[float], *, order: int = 1
) -> NDArray[np.float32]:
    """Linear (or, with order 0, the nearest), edges staying where they were.

    Coarser voxels are samples, not averages.
    """
    from scipy.ndimage import zoom

    if all(
        abs(factor - 1) * side < 0.5 for factor, side in zip(factors, voxels.shape, strict=True)
    ):
        return voxels
    new: NDArray[np.float32] = zoom(voxels, factors, order=order, mode="nearest", grid_mode=True)
    return new


def of_mr(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean 0 and standard deviation 1 over the foreground; a constant volume becomes 0."""
    inside = voxels[voxels > voxels.min()]
    if not inside.size:
        return np.zeros_like(voxels)
    low, high = np.percentile(inside, CLIPPED)
    inside = inside.clip(low, high)
    mean, std = float(inside.mean()), max(float(inside.std()), 1e-6)
    scaled: NDArray[np.float32] = ((voxels.clip(low, high) - mean) / std).astype(np.float32)
    return scaled


def of_ct(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The window of Hounsfield units from -1 to 1."""
    low, high = WINDOW_HU
    return ((voxels.clip(low, high) - low) / (high - low) * 2 - 1).astype(np.float32)


def boxed(voxels: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """The middle of a volume in a cube, with its smallest value around it."""
    box = np.full((size,) * 3, voxels.min(), dtype=np.float32)
    there, here = [], []
    for side in voxels.shape:
        kept = min(side, size)
        there.append(slice((side - kept) // 2, (side - kept) // 2 + kept))
        here.append(slice((size - kept) // 2, (size - kept) // 2 + kept))
    box[tuple(here)] = voxels[tuple(there)]
    return box
