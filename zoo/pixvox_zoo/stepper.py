"""Stepper: the optimizer with its schedules, what stands still, and the norm of the gradient."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import torch
from torch import Tensor

from pixvox_registry import OPTIMIZERS
from pixvox_registry.errors import UserError
from pixvox_zoo.parameter_groups import parameter_groups, undecayed_of
from pixvox_zoo.ranks import mean_gradients
from pixvox_zoo.recipe import value
from pixvox_zoo.wiring import Wiring


class Stepper:
    """Everything between ``loss.backward()`` and the next step, for one stage."""

    def __init__(self, wiring: Wiring) -> None:
        self.recipe = wiring.recipe.optimizer
        self.named = [
            (name, parameter)
            for name, parameter in wiring.named_parameters()
            if parameter.requires_grad and name.startswith("parts.")
        ]
        self.parameters = [parameter for _, parameter in self.named]
        groups = parameter_groups(
            self.named,
            weight_decay=value(self.recipe.weight_decay, 0.0),
            undecayed=undecayed_of(wiring),
        )
        OPTIMIZERS.check_settings(self.recipe.name, self.recipe.settings)
        self.optimizer: torch.optim.Optimizer = OPTIMIZERS.build(
            self.recipe.name, groups, lr=self.recipe.lr, **self.recipe.settings
        )
        self.stage = wiring.stage
        self.check_frozen([name for name, _ in wiring.named_modules()])

    @property
    def lr(self) -> float:
        """The learning rate of this step."""
        lr: float = self.optimizer.param_groups[0]["lr"]
        return lr

    def set_schedules(self, progress: float) -> None:
        """Learning rate and weight decay at this share of the stage."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr_at(progress)
            if group["decays"]:
                group["weight_decay"] = value(self.recipe.weight_decay, progress)

    def update(self, step: int, progress: float) -> Tensor:
        """Average over ranks, hold still what is frozen, clip; the norm of the gradient ``[]``."""
        mean_gradients(self.parameters)
        still = tuple(
            prefix_of(path, self.stage.objectives)
            for path, freeze in self.stage.freeze.items()
            if freeze.holds(step, progress)
        )
        for name, parameter in self.named:
            if still and name.startswith(still):
                parameter.grad = None
        if self.recipe.clip is not None:
            return torch.nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        return torch.nn.utils.get_total_norm(gradients)

    def check_frozen(self, parts: Iterable[str]) -> None:
        """Refuse to freeze what does not exist; a part without parameters stands still anyway."""
        for path in self.stage.freeze:
            prefix = prefix_of(path, self.stage.objectives)
            if not any(f"{name}.".startswith(prefix) for name in parts):
                raise UserError(f"freeze names {path!r}, and there is no such part.")


def prefix_of(path: str, objectives: Collection[str]) -> str:
    """``clusters.clustering`` or ``backbone.layer1`` as the beginning of a parameter's name.

    >>> prefix_of("clusters.clustering", {"clusters"}), prefix_of("backbone", {"clusters"})
    ('parts.clusters/clustering.', 'parts.backbone.')
    """
    first, _, rest = path.partition(".")
    return f"parts.{first}/{rest}." if first in objectives else f"parts.{path}."
