"""Standard units of features: what train says is zero and one."""

from __future__ import annotations

import torch
from torch import Tensor


def standard(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation, ``[N, D] -> [D], [D]`` in float64.

    Features that are constant but for rounding keep a deviation of 1.
    """
    centre = features.double().mean(0)
    scale = features.double().std(0, correction=0)
    constant = scale <= 1e-6 * features.double().abs().amax(0)
    return centre, torch.where(constant, 1.0, scale)
