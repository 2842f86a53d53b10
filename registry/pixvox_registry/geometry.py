"""From canonical axes back to the file: label maps as the scanner's own geometry has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from pixvox_registry.volume import grid_of, opened


def spacing_of(file: Path) -> tuple[float, ...]:
    """Millimetres along slices, rows and columns, as :func:`~pixvox_registry.volume.canonical`."""
    return grid_of(opened(file))[1]


def brought_to(labels: Tensor, sides: Sequence[int]) -> Tensor:
    """``[*S]`` uint8 on other sides of the same box: each place takes the nearest label."""
    if tuple(labels.shape) == tuple(sides):
        return labels
    return interpolate(labels[None, None].float(), size=list(sides), mode="nearest-exact")[
        0, 0
    ].byte()


def restored(labels: NDArray[np.uint8], file: Path) -> Any:
    """``[D, H, W]`` on canonical axes to a NIfTI image on the voxels of ``file``.

    Where the voxels were resampled, each of the file's takes the nearest label.
    """
    import nibabel
    from nibabel import orientations

    image = opened(file)
    own = orientations.io_orientation(image.affine)  # type: ignore[no-untyped-call]
    sides = [0, 0, 0]
    for axis, (turned, _) in enumerate(own):
        sides[int(turned)] = image.shape[axis]
    voxels = brought_to(torch.from_numpy(labels.transpose(2, 1, 0).copy()), sides)
    back = orientations.ornt_transform(  # type: ignore[no-untyped-call]
        orientations.axcodes2ornt("RAS"),  # type: ignore[no-untyped-call]
        own,
    )
    turned = orientations.apply_orientation(  # type: ignore[no-untyped-call]
        voxels.numpy(), back
    )
    made: Any = nibabel.Nifti1Image(turned, image.affine)  # type: ignore[no-untyped-call]
    made.header.set_zooms(image.header.get_zooms()[:3])
    made.header.set_xyzt_units(*image.header.get_xyzt_units())
    return made
