"""Self-attention over slices with learned positions (arXiv:1706.03762), after each layer a norm."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import FUSIONS
from pixvox_zoo.post_norm import stacked
from pixvox_zoo.resampling import grown


@FUSIONS.register
class Attention(nn.Module):
    """Every slice looks at all slices.

    Args:
        num_features: D of a slice.
        layers: in a row.
        heads: of each layer.
        head_width: of a query, key or value.
        hidden: width of the network in a layer.
        dropout: of what a layer gives.
        positions: learned ones; for more or fewer slices they are interpolated.
    """

    def __init__(
        self,
        *,
        num_features: int,
        layers: int = 4,
        heads: int = 8,
        head_width: int = 64,
        hidden: int = 720,
        dropout: float = 0.1,
        positions: int = 64,
    ) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(positions, num_features) * 0.02)
        self.layers = stacked(
            layers,
            lambda: SelfAttention(num_features, heads, head_width),
            num_features,
            hidden,
            dropout,
        )

    def forward(self, slices: Tensor) -> Tensor:
        """``[B, N, D] -> [B, N, D]``."""
        position = grown(self.position.T[None], slices.shape[1:2])[0].T  # [N, D]
        fused: Tensor = self.layers(slices + position)
        return fused


class SelfAttention(nn.Module):
    """Multi-head attention of tokens over themselves."""

    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.enter = nn.Linear(width, 3 * heads * head_width, bias=False)
        self.leave = nn.Linear(heads * head_width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, N, D] -> [B, N, D]``."""
        qkv = self.enter(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(*qkv)  # [B, heads, N, head_width]
        told: Tensor = self.leave(seen.transpose(1, 2).flatten(2))
        return told
