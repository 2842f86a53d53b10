"""VICReg: invariance, with variance and covariance against collapse (arXiv:2105.04906)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_registry import LOSSES


@LOSSES.register
class VICReg(nn.Module):
    """Equation 6, the mean over pairs of views; the hinge of both views is halved, as in the code.

    Args:
        invariance: weight of the mean squared distance of two views.
        variance: weight of the hinge that keeps every dimension's standard deviation at 1.
        covariance: weight of the squared covariances between dimensions.

    >>> import torch
    >>> z = torch.eye(4)[None].repeat(2, 1, 1)
    >>> VICReg()(z, z, [(0, 1)]).shape
    torch.Size([])
    """

    def __init__(
        self, *, invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0
    ) -> None:
        super().__init__()
        self.invariance = invariance
        self.variance = variance
        self.covariance = covariance

    def forward(self, online: Tensor, target: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
        """``[V, B, E], [G, B, E] -> []``."""
        ours = self._spread(online)  # [V]
        theirs = ours if target is online else self._spread(target)  # [G]
        losses = [
            self.invariance * (online[v] - target[g]).square().mean() + ours[v] + theirs[g]
            for g, v in pairs
        ]
        return torch.stack(losses).mean()

    def _spread(self, z: Tensor) -> Tensor:
        """What keeps each view from collapse: ``[V, B, E] -> [V]``."""
        batch, width = z.shape[1:]
        centred = z - z.mean(1, keepdim=True)
        variance = centred.square().sum(1) / (batch - 1)  # [V, E]
        hinge = (1 - (variance + 1e-4).sqrt()).clamp(min=0).mean(1)
        covariance = centred.mT @ centred / (batch - 1)  # [V, E, E]
        between = covariance.square().sum((1, 2)) - variance.square().sum(1)
        return self.variance * hinge / 2 + self.covariance * between / width
