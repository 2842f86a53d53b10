"""From canonical axes back to the file: label maps as the scanner's own geometry has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate


def spacing_of(file: Path) -> tuple[float, ...]:
    """Millimetres along slices, rows and columns, as :func:`~pixvox_registry.volume.canonical`."""
    import nibabel

    image: Any = nibabel.load(file)
    turned: Any = nibabel.as_closest_canonical(image)  # type: ignore[no-untyped-call]
    return tuple(float(mm) for mm in turned.header.get_zooms()[:3][::-1])


def restored(labels: NDArray[np.uint8], file: Path) -> Any:
    """``[D, H, W]`` on canonical axes to a NIfTI image on the voxels of ``file``.

    Where the voxels were resampled, each of the file's takes the nearest label.
    """
    import nibabel
    from nibabel import orientations

    image: Any = nibabel.load(file)
    own = orientations.io_orientation(image.affine)  # type: ignore[no-untyped-call]
    sides = [0, 0, 0]
    for axis, (turned, _) in enumerate(own):
        sides[int(turned)] = image.shape[axis]
    voxels = torch.from_numpy(labels.transpose(2, 1, 0).copy())[None, None]
    if tuple(voxels.shape[2:]) != tuple(sides):
        voxels = interpolate(voxels.float(), size=sides, mode="nearest-exact").byte()
    back = orientations.ornt_transform(  # type: ignore[no-untyped-call]
        orientations.axcodes2ornt("RAS"),  # type: ignore[no-untyped-call]
        own,
    )
    turned = orientations.apply_orientation(  # type: ignore[no-untyped-call]
        voxels[0, 0].numpy(), back
    )
    made: Any = nibabel.Nifti1Image(turned, image.affine)  # type: ignore[no-untyped-call]
    made.header.set_zooms(image.header.get_zooms()[:3])
    made.header.set_xyzt_units(*image.header.get_xyzt_units())
    return made
