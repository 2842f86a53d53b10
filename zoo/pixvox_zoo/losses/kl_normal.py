"""Divergence of a posterior from the standard normal (VAE, arXiv:1312.6114, appendix B)."""

from __future__ import annotations

from torch import Tensor, nn

from pixvox_registry import LOSSES


@LOSSES.register
class KLNormal(nn.Module):
    """``KL(N(mean, variance) || N(0, 1))`` in nats, summed over dimensions, the mean over cases.

    The embedding is ``mean`` and the logarithm of the variance, one behind the other.

    >>> import torch
    >>> KLNormal()(torch.zeros(1, 4, 6))
    tensor(0.)
    """

    def forward(self, online: Tensor) -> Tensor:
        """``[V, B, 2 L] -> []``."""
        mean, log_variance = online.chunk(2, -1)
        return ((mean.square() + log_variance.exp() - 1 - log_variance) / 2).sum(-1).mean()
