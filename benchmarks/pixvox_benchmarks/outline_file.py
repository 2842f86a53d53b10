"""One outline made elsewhere: a label map on the pixels or voxels of its original, or an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.errors import UserError
from pixvox_registry.scans import Scans
from pixvox_registry.volume import SUFFIXES, mask_of, opened, whole

GREY = ("1", "L", "P", "I", "I;16")  # modes of pictures that hold one number a pixel


def read_outline(file: Path, scans: Scans, row: int) -> NDArray[np.uint8]:
    """``[*S]`` of a PNG in 2D and of a NIfTI file in 3D, there on canonical axes.

    A volume whose original is no NIfTI file is held against voxels and spacing of the scan alone,
    which is what ``predictions.save`` keeps of it.

    Raises:
        UserError: other pixels or voxels than those of row ``row`` of the scans, or values that are
            not whole numbers from 0 to 255. Decoders raise much else.
    """
    return _picture(file, scans, row) if scans.dims == 2 else _volume(file, scans, row)


def _picture(file: Path, scans: Scans, row: int) -> NDArray[np.uint8]:
    from PIL import Image

    sides = tuple(scans.truth_of(row).mask.shape)
    with Image.open(file) as picture:
        if picture.size[::-1] != sides:
            its, originals = (
                f"{height} x {width}" for height, width in (picture.size[::-1], sides)
            )
            raise UserError(f"it has {its} pixels, its original {originals}")
        if picture.mode not in GREY:
            raise UserError(f"it is a picture of mode {picture.mode}; one label a pixel is due")
        held = np.asarray(picture)
    if held.min() < 0 or held.max() > 255:
        raise UserError("it holds other values than labels from 0 to 255")
    return held.astype(np.uint8)


def _volume(file: Path, scans: Scans, row: int) -> NDArray[np.uint8]:
    image, original = whole(file), Path(scans.files[row]) if scans.files else None
    if len(image.shape) < 3:
        raise UserError(f"it has {len(image.shape)} axes, its original is a volume")
    if original is not None and original.name.lower().endswith(SUFFIXES):
        drawn_on = opened(original)
        mask = mask_of(image, size=None, spacing_mm=None, like=drawn_on)
        _check_place(image, drawn_on)
    else:
        mask = mask_of(image, size=None, spacing_mm=None, like=_bare(scans, row))
    voxels: NDArray[np.uint8] = mask[0]
    return voxels


def _bare(scans: Scans, row: int) -> Any:
    """A header of a scan that has none."""
    import nibabel

    scan = scans[row]
    affine = np.diag([*(scan.spacing_mm or (1.0,) * 3)[::-1], 1.0])
    voxels = np.broadcast_to(np.uint8(0), tuple(scan.mask.shape)[::-1])
    return nibabel.Nifti1Image(voxels, affine)  # type: ignore[no-untyped-call]


def _check_place(image: Any, original: Any) -> None:
    """Both have the same voxels and spacing; do they also lie in the same place?"""
    from pixvox_registry.faults.grid import SHIFT_VOXELS, farthest

    (here, _), (there, sides) = _canonical(image), _canonical(original)
    apart_mm = farthest(there, here, sides)
    apart = apart_mm / np.linalg.norm(there[:3, :3], axis=0).min()
    if not apart <= SHIFT_VOXELS:
        its, originals = (str(found.affine[:3].round(4).tolist()) for found in (image, original))
        raise UserError(
            f"its voxels lie up to {apart:.2g} voxels ({apart_mm:.3g} mm) from those of its "
            f"original: its affine is {its}, the original's {originals}"
        )


def _canonical(image: Any) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Affine and sides, once the axes run to the right, to the front and up."""
    from nibabel.orientations import inv_ornt_aff, io_orientation

    axes = io_orientation(image.affine)  # type: ignore[no-untyped-call]
    sides = tuple(int(image.shape[axis]) for axis in axes[:, 0].argsort())
    turned = inv_ornt_aff(axes, image.shape[:3])  # type: ignore[no-untyped-call]
    return image.affine @ turned, sides
