"""Slice by slice: a 2D backbone put to volumes, without a parameter more."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from pixvox_registry.contracts import Backbone, Features
from pixvox_registry.errors import UserError

TOGETHER = 256  # slices in one pass of the encoder


class SliceBySlice(nn.Module):
    """Every slice across the first axis of ``*S`` by itself, and their mean for the volume.

    Maps are those of the slices, stacked: strides hold within a slice, and no slice is skipped.

    Args:
        encoder: a backbone in 2D.
        together: slices in one pass; it bounds memory, and is part of what decides the last bits.
    """

    only_dims = 3

    def __init__(self, encoder: nn.Module, *, together: int = TOGETHER) -> None:
        super().__init__()
        told = cast("Backbone", encoder)
        self.encoder = encoder
        self.together = together
        self.num_features = told.num_features
        self.channels, self.strides = told.channels, told.strides
        self.patch = told.patch  # within a slice

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, N, H, W] -> pooled [B, D], slices [B, N, D], maps [B, C_l, N, H_l, W_l]``.

        Raises:
            UserError: a mask, or an encoder that pools nothing.
        """
        if mask is not None:
            raise UserError("Slices that go through an encoder one by one cannot be hidden.")
        slices = images.transpose(1, 2).flatten(0, 1)  # [B N, C, H, W]
        said = [self.encoder(piece) for piece in slices.split(self.together)]
        if any(features.pooled is None for features in said):
            raise UserError(
                "The encoder of these slices pools nothing, and a volume is the mean of what its "
                "slices say. Take a backbone that pools."
            )
        shape = (len(images), images.shape[2])
        pooled = torch.cat([features.pooled for features in said]).unflatten(0, shape)
        maps = (  # contiguous: torch 2.13 crashes in GroupNorm's gradient on some other strides
            torch.cat(of_level).unflatten(0, shape).transpose(1, 2).contiguous()
            for of_level in zip(*(features.maps for features in said), strict=True)
        )
        return Features(pooled=pooled.mean(1), slices=pooled, maps=tuple(maps))
