"""Slices: a 2D backbone whose stages all speak for a slice (arXiv:2212.01893)."""

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


class Slices(nn.Module):
    """The averages of every map, each of unit length, side by side, then one linear map.

    Args:
        encoder: a 2D backbone with maps, by name and settings.
        features: D.
        facts: what the encoder's constructor may name, for 2D.

    Raises:
        UserError: an encoder that gives no maps.
    """

    def __init__(self, encoder: Mapping[str, Any], features: int, facts: Mapping[str, Any]) -> None:
        super().__init__()
        self.encoder = assemble(BACKBONES, encoder["name"], encoder.get("settings", {}), facts)
        self.channels, self.strides = self.encoder.channels, self.encoder.strides
        if not self.channels:
            raise UserError(
                f"Slices are told by the maps of their encoder, and {encoder['name']!r} gives "
                "none. Take resnet, swin or unet."
            )
        self.num_features = features
        self.linear = nn.Linear(sum(self.channels), features)

    def forward(self, images: Tensor) -> Features:
        """``[B, C, H, W] -> pooled [B, D], maps, slices [B, 1, D]``."""
        maps = self.encoder(images).maps
        said = [F.normalize(of_stage.flatten(2).mean(2), dim=1) for of_stage in maps]
        pooled = self.linear(torch.cat(said, 1))
        return Features(pooled=pooled, maps=maps, slices=pooled[:, None])
