"""Directions: learned prototypes on the unit sphere, and cosines to them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Directions(nn.Module):
    """K directions of unit length; the output is the cosine to each of them."""

    def __init__(self, num_features: int, count: int) -> None:
        super().__init__()
        self.num_outputs = count
        self.directions = nn.Parameter(F.normalize(torch.randn(count, num_features), dim=-1))

    def forward(self, x: Tensor) -> Tensor:
        """``[..., D] -> [..., K]``."""
        return F.normalize(x, dim=-1) @ F.normalize(self.directions, dim=-1).T

    @torch.no_grad()
    def renormalise(self) -> None:
        """Back to unit length: else directions grow, and ever larger steps turn them less."""
        self.directions.copy_(F.normalize(self.directions, dim=-1))
