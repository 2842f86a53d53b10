"""Images as rows of numbers, which is how scikit-learn passes them on, and back."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixvox_registry.contracts import Pretrained

LEAST = 8  # pixels: what is narrower is hardly an image, and is told
CHANNELS = 4  # at most, of a picture
KEPT = (np.uint8, np.int8, np.int16, np.int32, np.int64, np.float16)  # all others become float32


@dataclass(frozen=True)
class Shapes:
    """Which images a backbone takes."""

    dims: int
    in_channels: int
    image_size: int

    @classmethod
    def of(cls, pretrained: Pretrained) -> Shapes:
        """As the card says."""
        facts = pretrained.card["facts"]
        return cls(facts["dims"], facts["in_channels"], pretrained.image_size)

    def of_images(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """``(C, *S)`` of an array ``[N, C, *S]`` or ``[N, *S]``, given without N.

        Raises:
            ValueError: other dims or channels than the backbone's.
        """
        flat_picture = self.dims == 3 and shape[0] <= CHANNELS  # rather [C, H, W] than [D, H, W]
        whole = (1, *shape) if len(shape) == self.dims and not flat_picture else shape
        if len(whole) != self.dims + 1 or whole[0] != self.in_channels:
            sides = ", ".join("DHW"[-self.dims :])
            grey = f" or [N, {sides}]" if self.in_channels == 1 else ""
            raise ValueError(
                f"These weights take images [N, {self.in_channels}, {sides}]{grey}, or rows "
                f"[N, F]; an array [N, {', '.join(map(str, shape))}] came. Bring it to these axes, "
                "or take weights for such images."
            )
        return whole

    def of_rows(self, values: int, said: tuple[int, ...] | None) -> tuple[int, ...]:
        """``(C, *S)`` of rows of so many values: as said, or a square or cube, or else a line.

        Warns:
            UserWarning: the rows are hardly images.

        Raises:
            ValueError: what was said is no image of theirs.
        """
        if said is not None:
            whole = self.of_images(tuple(said))
            if math.prod(whole) != values:
                raise ValueError(
                    f"image_shape {tuple(said)} has {math.prod(whole)} values, and a row has "
                    f"{values}. Set image_shape to the shape of the images before they were rows."
                )
            return whole
        side = round((values / self.in_channels) ** (1 / self.dims))
        if self.in_channels * side**self.dims == values:
            shape = (self.in_channels, *[side] * self.dims)
        else:
            shape, side = (1, *[1] * (self.dims - 1), values), 0
        if side < min(LEAST, self.image_size):
            warnings.warn(
                f"Rows of {values} values are hardly images; each is read as one of shape {shape}. "
                "Set image_shape, or give arrays [N, C, *S].",
                stacklevel=4,
            )
        return shape


def flat(images: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Arrays of three axes and more as rows, with the shape of an image; all else as it came."""
    axes = images.ndim if hasattr(images, "ndim") else np.asarray(images).ndim
    if axes < 3:
        return images, None
    whole = np.asarray(images)
    return whole.reshape(len(whole), math.prod(whole.shape[1:])), whole.shape[1:]


def tensor_of(rows: NDArray[Any], shape: tuple[int, ...]) -> Tensor:
    """Rows ``[N, F]`` as images ``[N, *shape]``, in a type that torch computes with."""
    kind = rows.dtype.type if rows.dtype.type in KEPT else np.float32
    return torch.from_numpy(rows.astype(kind).reshape(len(rows), *shape))
