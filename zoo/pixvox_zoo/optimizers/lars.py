"""LARS: a learning rate per layer, for batches over a thousand (arXiv:1708.03888)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from pixvox_registry import OPTIMIZERS


@OPTIMIZERS.register
class LARS(torch.optim.Optimizer):
    """Momentum SGD whose step in each layer is scaled by trust * |w| / |g + decay * w|.

    Groups with ``adapt: False`` (norms and biases) take plain momentum steps.
    """

    def __init__(
        self, parameters: Iterable[Any], *, lr: float, momentum: float = 0.9, trust: float = 1e-3
    ) -> None:
        own = {"lr": lr, "momentum": momentum, "trust": trust}
        super().__init__(parameters, {**own, "weight_decay": 0.0, "adapt": True})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                update = parameter.grad.add(parameter, alpha=group["weight_decay"])
                if group["adapt"]:
                    update = update * trust_ratio(parameter, update, group["trust"])
                state = self.state[parameter]
                if "velocity" not in state:
                    state["velocity"] = torch.zeros_like(parameter)
                state["velocity"].mul_(group["momentum"]).add_(update)
                parameter.sub_(state["velocity"], alpha=group["lr"])


def trust_ratio(weight: Tensor, update: Tensor, trust: float) -> Tensor:
    """``trust * |w| / |u|``, or 1 where either is zero: ``-> []``."""
    size, length = weight.norm(), update.norm()
    return torch.where((size > 0) & (length > 0), trust * size / length, torch.ones_like(size))
