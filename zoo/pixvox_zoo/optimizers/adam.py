"""Adam (arXiv:1412.6980)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from pixvox_registry import OPTIMIZERS


@OPTIMIZERS.register
def adam(
    parameters: Iterable[Any], lr: float, *, betas: Sequence[float] = (0.9, 0.999)
) -> torch.optim.Optimizer:
    """Each group brings its weight decay, added to the gradient."""
    first, second = betas
    return torch.optim.Adam(parameters, lr=lr, betas=(first, second), weight_decay=0.0, fused=True)
