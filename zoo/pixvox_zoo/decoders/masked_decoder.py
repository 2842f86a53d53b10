"""A light transformer that paints what the backbone never saw (MAE, arXiv:2111.06377)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_registry import DECODERS, Features
from pixvox_zoo.patches import joined
from pixvox_zoo.positions import waves
from pixvox_zoo.transformer import blocks


@DECODERS.register
class MaskedDecoder(nn.Module):
    """Visible tokens return to their places, a learned token fills the rest, and blocks paint all.

    Args:
        channels: of its own tokens.
        depth: number of blocks.
        heads: of each block's attention.
    """

    positions: Tensor

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        image_size: int,
        num_features: int,
        patch: int,
        channels: int = 96,
        depth: int = 2,
        heads: int = 3,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.grid = (image_size // patch,) * dims
        self.enter = nn.Linear(num_features, channels)
        self.token = nn.Parameter(torch.zeros(channels))
        self.register_buffer("positions", waves(self.grid, channels))
        self.blocks = blocks(channels, heads, depth)
        self.norm = nn.LayerNorm(channels)
        self.leave = nn.Linear(channels, in_channels * patch**dims)

    def forward(self, features: Features, mask: Tensor) -> Tensor:
        """``tokens [R, n, D] of what mask [R, *grid] leaves visible -> [R, C, *S]``."""
        assert features.tokens is not None
        seen = self.enter(features.tokens)  # [R, n, c]
        place = (
            mask.flatten(1).long().argsort(dim=1, stable=True)[:, : seen.shape[1]]
        )  # visible first
        x = self.token.to(seen.dtype).expand(len(seen), len(self.positions), -1)
        x = x.scatter(1, place[..., None].expand_as(seen), seen)
        x = self.norm(self.blocks(x + self.positions))
        return joined(self.leave(x), self.grid, self.patch)
