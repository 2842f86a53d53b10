"""SGD with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from pixvox_registry import OPTIMIZERS


@OPTIMIZERS.register
def sgd(
    parameters: Iterable[Any], lr: float, *, momentum: float = 0.9, nesterov: bool = False
) -> torch.optim.Optimizer:
    """Stochastic gradient descent; each group brings its weight decay."""
    return torch.optim.SGD(parameters, lr=lr, momentum=momentum, nesterov=nesterov, fused=True)
