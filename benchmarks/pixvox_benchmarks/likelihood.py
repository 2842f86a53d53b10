"""The logistic loss of many problems at once, exact in float32 where cases are almost certain."""

from __future__ import annotations

from copy import copy

import torch
from torch import Tensor
from torch.nn.functional import one_hot, softplus


class Likelihood:
    """Two classes share one logit (of class 1), K > 2 have one each: k logits.

    ``sigmoid(z) - 1`` has no digits left for a certain case, and a weak penalty multiplies what is
    left by 1e5; so each figure is computed from the probability of being wrong.

    Args:
        target: ``[N]`` of all problems, or ``[Q, N]`` of each.
    """

    def __init__(self, target: Tensor, classes: int) -> None:
        self.binary = classes == 2
        labels = one_hot(target, classes).mT.float()  # [K, N] or [Q, K, N]
        self.label = labels[..., 1:, :] if self.binary else labels.contiguous()
        self.sign = 1 - 2 * self.label[..., :1, :]  # -1 for class 1: a wrong logit is positive

    def __getitem__(self, keep: Tensor) -> Likelihood:
        """Of some of the problems, ``[Q]`` bool."""
        if self.label.ndim == 2:
            return self
        kept = copy(self)
        kept.label, kept.sign = self.label[keep], self.sign[keep]
        return kept

    def loss(self, logit: Tensor) -> Tensor:
        """``[Q, k, N] -> [Q, N]``."""
        if self.binary:
            return softplus(logit * self.sign)[:, 0]
        wrong = (logit.softmax(1) * (1 - self.label)).sum(1)
        direct = logit.logsumexp(1) - (logit * self.label).sum(1)
        return torch.where(wrong < 0.5, -torch.log1p(-wrong), direct)

    def residual(self, logit: Tensor) -> Tensor:
        """``[Q, k, N]``: derivative of the loss, probability less label."""
        if self.binary:
            return self.sign * (logit * self.sign).sigmoid()
        others = logit.softmax(1) * (1 - self.label)
        return others - self.label * others.sum(1, keepdim=True)

    def curvature(self, residual: Tensor) -> Tensor:
        """``[Q, k, N]``: p (1 - p) of each logit by itself."""
        return residual.abs() * (1 - residual.abs())

    def bend(self, residual: Tensor, change: Tensor) -> Tensor:
        """``[Q, k, N] x 2 -> [Q, k, N]``: second derivative, times a change of logits."""
        if self.binary:
            return self.curvature(residual) * change
        p = residual + self.label
        return p * (change - (p * change).sum(1, keepdim=True))
