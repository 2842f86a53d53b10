"""Prototypes: cosines to learned directions, the last layer of methods that cluster."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import HEADS


@HEADS.register
class Prototypes(nn.Module):
    """K directions of unit length; the output is the cosine to each of them.

    Args:
        out: K.
    """

    def __init__(self, num_features: int, *, out: int = 128) -> None:
        super().__init__()
        self.num_outputs = out
        self.directions = nn.Parameter(F.normalize(torch.randn(out, num_features), dim=-1))

    def forward(self, x: Tensor) -> Tensor:
        """``[..., D] -> [..., K]``."""
        return F.normalize(x, dim=-1) @ F.normalize(self.directions, dim=-1).T

    @torch.no_grad()
    def renormalise(self) -> None:
        """Back to unit length: else directions grow, and ever larger steps turn them less."""
        self.directions.copy_(F.normalize(self.directions, dim=-1))
