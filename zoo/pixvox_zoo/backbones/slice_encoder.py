"""The slice encoder of ``slice_fusion`` alone, for images (arXiv:2212.01893)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from torch import Tensor

from pixvox_registry import BACKBONES, Features, UserError
from pixvox_zoo.slices import RESNET, Slices


@BACKBONES.register
class SliceEncoder(Slices):
    """The averages of every map, each of unit length, side by side, then one linear map.

    It is what a volume's slices go through in ``slice_fusion``, and what 2D tasks take from it.

    Args:
        encoder: a 2D backbone with maps, by name and settings.
        features: D.

    Raises:
        UserError: volumes, or an encoder that gives no maps.
    """

    only_dims = 2
    patch = None
    parts = MappingProxyType({"encoder": BACKBONES})

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        image_size: int,
        width: float = 1.0,
        stem: str = "imagenet",
        encoder: Mapping[str, Any] = RESNET,
        features: int = 640,
    ) -> None:
        if dims != 2:
            raise UserError("backbone 'slice_encoder' sees slices, not 3D; take slice_fusion.")
        sizes = {"dims": 2, "in_channels": in_channels, "image_size": image_size}
        super().__init__(encoder, features, {**sizes, "width": width, "stem": stem})

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, H, W] -> pooled [B, D], maps, slices [B, 1, D]``.

        Raises:
            UserError: a mask; an image is one slice, and seen whole.
        """
        if mask is not None:
            raise UserError("backbone 'slice_encoder' cannot hide a part of a slice.")
        return super().forward(images)
