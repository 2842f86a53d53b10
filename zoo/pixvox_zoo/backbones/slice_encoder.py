"""A 2D backbone whose stages all speak for a slice (arXiv:2212.01893)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import BACKBONES, Features, UserError
from pixvox_zoo.assembly import assemble

RESNET: Mapping[str, Any] = MappingProxyType({"name": "resnet"})


@BACKBONES.register
class SliceEncoder(nn.Module):
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
        super().__init__()
        if dims != 2:
            raise UserError("backbone 'slice_encoder' sees slices, not 3D; take slice_fusion.")
        facts: dict[str, Any] = {"dims": 2, "in_channels": in_channels, "image_size": image_size}
        facts |= {"width": width, "stem": stem}
        self.encoder = assemble(BACKBONES, encoder["name"], encoder.get("settings", {}), facts)
        self.channels, self.strides = self.encoder.channels, self.encoder.strides
        if not self.channels:
            raise UserError(
                f"backbone 'slice_encoder' reads maps, and {encoder['name']!r} gives none. Take "
                "resnet, swin or unet."
            )
        self.num_features = features
        self.linear = nn.Linear(sum(self.channels), features)

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, H, W] -> pooled [B, D], maps, slices [B, 1, D]``.

        Raises:
            UserError: a mask; an image is one slice, and seen whole.
        """
        if mask is not None:
            raise UserError("backbone 'slice_encoder' cannot hide a part of a slice.")
        maps = self.encoder(images).maps
        said = [F.normalize(of_stage.flatten(2).mean(2), dim=1) for of_stage in maps]
        pooled = self.linear(torch.cat(said, 1))
        return Features(pooled=pooled, maps=maps, slices=pooled[:, None])
