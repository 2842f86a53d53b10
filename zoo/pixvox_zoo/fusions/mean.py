"""No fusion: slices stay as they are, and their mean is the volume."""

from __future__ import annotations

from torch import Tensor, nn

from pixvox_registry import FUSIONS


@FUSIONS.register
class Mean(nn.Module):
    """Each slice for itself; what any other fusion has to beat."""

    def forward(self, slices: Tensor) -> Tensor:
        """``[B, N, D] -> [B, N, D]``, the same."""
        return slices
