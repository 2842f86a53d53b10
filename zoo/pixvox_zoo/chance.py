"""Amounts that only some rows draw: one number decides both whether and how much."""

from __future__ import annotations

import torch
from torch import Tensor


def perhaps(u: Tensor, chance: float, low: float, high: float, otherwise: float) -> Tensor:
    """``[...] -> [...]``: uniform in [low, high) where ``u < chance``, else ``otherwise``.

    Args:
        u: uniform in [0, 1); below ``chance``, ``u / chance`` is uniform in [0, 1) again.
        chance: above 0.

    >>> perhaps(torch.tensor([0.0, 0.25, 0.75]), 0.5, 10.0, 20.0, otherwise=-1.0)
    tensor([10., 15., -1.])
    """
    return torch.where(u < chance, low + (high - low) / chance * u, otherwise)


def rows_of(drawn: Tensor) -> Tensor:
    """``[B, ...] -> [k]``: rows that are not all zero. On the host: a device would have to wait."""
    return drawn.reshape(len(drawn), -1).any(1).nonzero().flatten()
