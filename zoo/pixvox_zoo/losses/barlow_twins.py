"""Barlow Twins: make the cross-correlation of two views the identity (arXiv:2103.03230)."""

from __future__ import annotations

from torch import Tensor, nn

from pixvox_registry import LOSSES


@LOSSES.register
class BarlowTwins(nn.Module):
    """Equation 1: invariance + lambda * redundancy, the mean over pairs of views.

    Args:
        off_diagonal: weight of the redundancy; lambda in the paper.
        scale: multiplies the whole loss; the authors' code takes 0.024.

    >>> import torch
    >>> z = torch.eye(4)[None].repeat(2, 1, 1)
    >>> BarlowTwins()(z, z, [(0, 1)]).shape
    torch.Size([])
    """

    def __init__(self, *, off_diagonal: float = 5e-3, scale: float = 1.0) -> None:
        super().__init__()
        self.off_diagonal = off_diagonal
        self.scale = scale

    def forward(self, online: Tensor, target: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
        """``[V, B, E], [G, B, E] -> []``."""
        za, zb = standardise(online), standardise(target)
        total = online.new_zeros(())
        done = set()
        for g, v in pairs:
            if online is target and (v, g) in done:
                continue  # the transposed matrix has the same loss
            correlation = za[v].T @ zb[g] / online.shape[1]  # [E, E]
            diagonal = correlation.diagonal()
            invariance = (diagonal - 1).square().sum()
            redundancy = correlation.square().sum() - diagonal.square().sum()
            total = total + invariance + self.off_diagonal * redundancy
            done.add((g, v))
        return self.scale * total / len(done)


def standardise(z: Tensor) -> Tensor:
    """Zero mean and unit variance over the batch: ``[V, B, E] -> [V, B, E]``."""
    centred = z - z.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
