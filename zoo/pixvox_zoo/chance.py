"""Amounts that only some views draw: one number decides both whether and how much."""

from __future__ import annotations

import torch
from torch import Tensor


def perhaps(u: Tensor, chance: float, low: float, high: float, otherwise: float) -> Tensor:
    """``[...] -> [...]``: uniform in [low, high) where ``u < chance``, else ``otherwise``.

    Args:
        u: uniform in [0, 1); below ``chance``, ``u / chance`` is uniform in [0, 1) again.
    """
    if chance == 0:
        return torch.full_like(u, otherwise)
    return torch.where(u < chance, low + (high - low) / chance * u, otherwise)
