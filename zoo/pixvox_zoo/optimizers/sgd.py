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
    optimizer = torch.optim.SGD(parameters, lr=lr, momentum=momentum, nesterov=nesterov, fused=True)
    if momentum:
        _begin_at_rest(optimizer)
    return optimizer


def _begin_at_rest(optimizer: torch.optim.Optimizer) -> None:
    """Every velocity is zero, which moves like none at all.

    Left to itself, torch's fused SGD crashes when a frozen part thaws: it has a velocity for some
    parameters and none for others.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
