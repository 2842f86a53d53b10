"""LARS: a learning rate per layer, for batches over a thousand (arXiv:1708.03888)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from pixvox_registry import OPTIMIZERS


@OPTIMIZERS.register
class LARS(torch.optim.Optimizer):
    """Momentum SGD whose gradient is scaled, layer by layer, by equation 6 of the paper.

    Groups with ``adapt: False`` (norms and biases) take plain momentum steps.

    Args:
        trust: eta.
    """

    def __init__(
        self, parameters: Iterable[Any], lr: float, *, momentum: float = 0.9, trust: float = 1e-3
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "trust": trust,
            "weight_decay": 0.0,
            "adapt": True,
        }
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                update = weight.grad.add(weight, alpha=group["weight_decay"])
                if group["adapt"]:
                    update *= local_rate(weight, group["trust"], group["weight_decay"])
                state = self.state[weight]
                if "velocity" not in state:
                    state["velocity"] = torch.zeros_like(weight)
                state["velocity"].mul_(group["momentum"]).add_(update)
                weight.sub_(state["velocity"], alpha=group["lr"])


def local_rate(weight: Tensor, trust: float, weight_decay: float) -> Tensor:
    """``eta * |w| / (|g| + decay * |w|)``, or 1 where either norm is zero: ``-> []``."""
    size, slope = weight.norm(), weight.grad.norm()  # type: ignore[union-attr]
    rate = trust * size / (slope + weight_decay * size)
    return torch.where((size > 0) & (slope > 0), rate, torch.ones_like(rate))
