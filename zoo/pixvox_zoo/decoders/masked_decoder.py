"""A light transformer that paints what the backbone never saw (MAE, arXiv:2111.06377)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from pixvox_registry import DECODERS, Features, UserError
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

    Raises:
        UserError: a backbone whose tokens are not patches.
    """

    positions: Tensor

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        image_size: int,
        num_features: int,
        patch: int | None,
        stride: int,
        channels: int = 96,
        depth: int = 2,
        heads: int = 3,
    ) -> None:
        super().__init__()
        if patch is None or patch != stride:
            raise UserError(
                "decoder 'masked_decoder' puts tokens back to their patches; this backbone's are "
                f"{stride} px apart and its patches {patch or 'none'}. Take vit, or linear_decoder."
            )
        self.patch = patch
        self.grid = (image_size // patch,) * dims
        self.enter = nn.Linear(num_features, channels)
        self.token = nn.Parameter(torch.zeros(channels))
        self.register_buffer("positions", waves(self.grid, channels))
        self.blocks = blocks(channels, heads, depth)
        self.norm = nn.LayerNorm(channels)
        self.leave = nn.Linear(channels, in_channels * patch**dims)

    def forward(self, features: Features, mask: Tensor) -> Tensor:
        """``tokens [R, n, D] -> [R, C, *S]``: n all patches, or those that mask leaves visible.

        ``mask [R, *grid]``; patches are visible where it is False.
        """
        tokens = cast(Tensor, features.tokens)
        x = self.enter(tokens)  # [R, n, c]
        if x.shape[1] < len(self.positions):
            visible_first = mask.flatten(1).long().argsort(dim=1, stable=True)
            place = visible_first[:, : x.shape[1], None].expand_as(x)
            hidden = self.token.to(x.dtype).expand(len(x), len(self.positions), -1)
            x = hidden.scatter(1, place, x)
        x = self.norm(self.blocks(x + self.positions))
        return joined(self.leave(x), self.grid, self.patch)
