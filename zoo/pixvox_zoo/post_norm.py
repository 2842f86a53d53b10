"""Post-norm layers of a fusion: attention over slices, then a small network (arXiv:2212.01893)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class PostNorm(nn.Module):
    """``x = Drop(LN(x + Attn(x))); x = Drop(LN(x + FFN(x)))``.

    Args:
        attention: ``[B, N, D] -> [B, N, D]``.
        width: D.
        hidden: width of the network between its two linear maps.
    """

    def __init__(self, attention: nn.Module, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = attention
        self.first_norm = nn.LayerNorm(width)
        self.network = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.second_norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, N, D] -> [B, N, D]``."""
        x = self.drop(self.first_norm(x + self.attention(x)))
        fused: Tensor = self.drop(self.second_norm(x + self.network(x)))
        return fused


def stacked(
    count: int, attention: Callable[[], nn.Module], width: int, hidden: int, dropout: float
) -> nn.Sequential:
    """Layers in a row, each with an attention of its own."""
    return nn.Sequential(*[PostNorm(attention(), width, hidden, dropout) for _ in range(count)])
