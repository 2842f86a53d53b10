"""Volumes: a scanner's file brought to canonical axes, one spacing, one scale and one box."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.errors import UserError
from pixvox_registry.modality import scaled

SUFFIXES = (".nii", ".nii.gz")
META_IMAGE = (".mhd", ".mha")
SLACK = 1e-4  # of a label that a slope of float32 brings back
SPACING_SHARE = 1e-3  # 0.977 for 0.9765625 is rounding; one percent is another grid
PIECE = 1 << 24  # bytes


def read_volume(
    file: Path, *, size: int | None, spacing_mm: float | None, modality: str
) -> NDArray[np.float16]:
    """``[1, D, H, W]`` of a file, as :func:`volume_of` makes it.

    Raises:
        UserError: no volume of plain, finite numbers.
    """
    return volume_of(whole(file), size=size, spacing_mm=spacing_mm, modality=(modality,))


def volume_of(
    image: Any, *, size: int | None, spacing_mm: float | None, modality: Sequence[str]
) -> NDArray[np.float16]:
    """``[C, D, H, W]``: slices from inferior to superior, then rows, then columns.

    Rows run from posterior to anterior, columns from left to right.

    Args:
        image: nibabel's, as :func:`whole` opens it.
        size: side of a cube, in voxels: the middle is kept, and what is missing is background;
            None keeps the volume whole.
        spacing_mm: of the voxels after resampling, along every axis; None keeps them as they are.
        modality: of each channel. ``mr``: clipped at percentiles of the foreground, mean 0 and
            standard deviation 1 in it; ``ct``: Hounsfield units from -1000 to 1000 to the range
            from -1 to 1; ``ct:LOW:HIGH``: the same with another window.

    Raises:
        UserError: no volume of plain, finite numbers, or of other channels.
    """
    voxels, spacings = canonical(image, channels=len(modality))
    if spacing_mm is not None:
        factors = [mm / spacing_mm for mm in spacings]
        voxels = np.stack([resampled(channel, factors) for channel in voxels])
    values = scaled(voxels, modality)
    if size is not None:
        values = np.stack([boxed(channel, size) for channel in values])
    return values.astype(np.float16)


def read_mask(file: Path, *, size: int | None, spacing_mm: float | None) -> NDArray[np.uint8]:
    """``[1, D, H, W]`` of a file, as :func:`mask_of` makes it."""
    return mask_of(whole(file), size=size, spacing_mm=spacing_mm)


def mask_of(
    image: Any,
    *,
    size: int | None,
    spacing_mm: float | None,
    labels: Mapping[int, int] | None = None,
    like: Any = None,
) -> NDArray[np.uint8]:
    """``[1, D, H, W]`` of labels, axes and box as :func:`volume_of` has them.

    Args:
        labels: ``{as stored: as wanted}``; background stays 0 without being named.
        like: the image that it was drawn on, of whose header alone is read.

    Raises:
        UserError: no volume of labels from 0 to 255, or a label that ``labels`` does not name. A
            label that was stored with a slope is rounded, if it is no farther from a whole number
            than half a step of its type. It has other voxels than ``like``.
    """
    if like is not None:
        _refuse_other_grid(grid_of(image), grid_of(like))
    stored, spacings = canonical(image)
    voxels = stored[0].round()
    slope = abs(getattr(image.dataobj, "slope", 1.0))
    exact = slope / 2 + SLACK if slope < 1 else 0.0  # half a step of the stored type
    if np.abs(stored[0] - voxels).max() > exact:
        raise UserError("it holds other values than labels from 0 to 255")
    if labels is not None:
        voxels = _mapped(voxels, labels)
    if spacing_mm is not None:
        voxels = resampled(voxels, [mm / spacing_mm for mm in spacings], order=0)
    if voxels.min() < 0 or voxels.max() > 255:
        raise UserError("it holds other values than labels from 0 to 255")
    return (voxels if size is None else boxed(voxels, size))[None].astype(np.uint8)


def opened(file: Path) -> Any:
    """nibabel's image of a NIfTI file, a MetaImage, or a folder that holds one DICOM series.

    Raises:
        UserError: it is none of these, or is damaged.
    """
    if file.is_dir():
        from pixvox_registry.dicom_volume import image_of_folder

        return image_of_folder(file)
    if file.name.lower().endswith(META_IMAGE):
        from pixvox_registry.meta_image import read_meta_image

        return read_meta_image(file).as_nifti()
    import nibabel

    return nibabel.load(file)


def whole(file: Path) -> Any:
    """:func:`opened`, once its last byte is known to be there.

    nibabel stops at the last voxel, and the checksum of a compressed file stands after it.
    """
    if file.name.lower().endswith(".gz"):
        with gzip.open(file) as stream:
            while stream.read(PIECE):
                pass
    return opened(file)


def joined(files: Sequence[Path]) -> Any:
    """Files of one case, a channel each, as one image.

    Raises:
        UserError: they do not lie on one grid.
    """
    import nibabel

    images = [whole(file) for file in files]
    if len(images) == 1:
        return images[0]
    first = images[0]
    for file, image in zip(files, images, strict=True):
        if image.shape != first.shape or not np.allclose(image.affine, first.affine, atol=1e-2):
            raise UserError(
                f"{file.name} lies on another grid, {image.shape}, than {files[0].name}, "
                f"{first.shape}; channels of one case must share theirs"
            )
    voxels = np.stack([image.get_fdata(dtype=np.float32) for image in images], -1)
    made: Any = nibabel.Nifti1Image(voxels, first.affine)  # type: ignore[no-untyped-call]
    made.header.set_zooms((*first.header.get_zooms()[:3], 1.0))
    return made


def canonical(image: Any, *, channels: int = 1) -> tuple[NDArray[np.float32], list[float]]:
    """``[C, D, H, W]`` from inferior to superior, posterior to anterior, left to right; spacings.

    Spacings are in mm along D, H and W.

    Raises:
        UserError: no volume of plain, finite numbers, or of other channels.
    """
    import nibabel

    if image.get_data_dtype().kind not in "iuf":
        raise UserError(f"it holds {image.get_data_dtype()}, and no plain numbers")
    turned: Any = nibabel.as_closest_canonical(image)  # type: ignore[no-untyped-call]
    voxels = np.asarray(turned.get_fdata(dtype=np.float32))
    while voxels.ndim > 3 and voxels.shape[-1] == 1:
        voxels = voxels[..., 0]
    if channels == 1 and voxels.ndim == 3:
        voxels = voxels[..., None]
    if voxels.ndim != 4 or voxels.shape[-1] != channels:
        wanted = "is no volume" if channels == 1 else f"is no volume of {channels} channels"
        raise UserError(f"it has the shape {image.shape}, and {wanted}")
    if not np.isfinite(voxels).all():
        raise UserError("it holds NaN or infinity")
    spacings = [float(mm) for mm in turned.header.get_zooms()[:3]]
    return voxels.transpose(3, 2, 1, 0), spacings[::-1]


def grid_of(image: Any) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Voxels, and mm, along slices, rows and columns of canonical axes; of the header alone."""
    from nibabel.orientations import io_orientation

    axes = io_orientation(image.affine)[:, 0].argsort()[::-1]  # type: ignore[no-untyped-call]
    zooms = image.header.get_zooms()
    sides = tuple(int(image.shape[axis]) for axis in axes)
    return sides, tuple(float(zooms[axis]) for axis in axes)


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


def _mapped(voxels: NDArray[np.float32], labels: Mapping[int, int]) -> NDArray[np.float32]:
    known = {0: 0, **labels}
    held = np.unique(voxels)
    if strange := [int(value) for value in held if int(value) not in known]:
        raise UserError(
            f"it holds the label {', '.join(map(str, strange[:5]))}, which labels= does not map; "
            f"mapped are {', '.join(map(str, sorted(known)))}"
        )
    wanted = np.array([known[int(value)] for value in held], np.float32)
    mapped: NDArray[np.float32] = wanted[np.searchsorted(held, voxels)]
    return mapped


def _refuse_other_grid(its: Any, images: Any) -> None:
    (sides, mm), (wanted, wanted_mm) = its, images
    if sides != wanted or not np.allclose(mm, wanted_mm, rtol=SPACING_SHARE):
        raise UserError(
            f"it has {_grid(sides, mm)}, the image it belongs to {_grid(wanted, wanted_mm)}"
        )


def _grid(sides: Sequence[int], mm: Sequence[float]) -> str:
    return f"{' x '.join(map(str, sides))} voxels of {' x '.join(f'{x:.4g}' for x in mm)} mm"
