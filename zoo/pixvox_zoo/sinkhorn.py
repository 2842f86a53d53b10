"""Sinkhorn-Knopp: soft assignments that fill every cluster alike (arXiv:1911.05371)."""

from __future__ import annotations

from torch import Tensor


def sinkhorn(scores: Tensor, *, epsilon: float, iterations: int) -> Tensor:
    """``[..., B, K] -> [..., B, K]``: rows sum to 1, columns nearly to B / K.

    In logarithms, for a cluster far from all rows would otherwise have a sum of 0.

    Args:
        epsilon: weight of the entropy; smaller is sharper.
        iterations: each one sets the columns and then the rows right.
    """
    log_q = scores / epsilon
    for _ in range(iterations):
        log_q = log_q - log_q.logsumexp(-2, keepdim=True)
        log_q = log_q - log_q.logsumexp(-1, keepdim=True)
    return log_q.exp()
