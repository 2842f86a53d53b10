"""What happens to which view: one number decides both whether and how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError, suggestion


@dataclass(frozen=True)
class Chance:
    """Random numbers for V views of each case, view after view.

    Args:
        draws: on the host, where the few numbers are read without waiting for a device.
        views: V.
        often: how often each thing happens.
    """

    draws: Draws
    views: int
    often: Mapping[str, float]

    def uniform(self, what: str, *shape: int) -> Tensor:
        """``[V B, *shape]`` in [0, 1)."""
        u = self.draws.uniform(what, self.views, *shape)  # [B, V, *shape]
        return u.transpose(0, 1).flatten(0, 1)

    def perhaps(
        self, what: str, span: tuple[float, float], otherwise: float, *shape: int
    ) -> Tensor:
        """``[V B, *shape]`` within the span, or ``otherwise`` where chance does not strike."""
        if self.often[what] == 0 or span == (otherwise, otherwise):
            rows = len(range(self.draws.batch)[self.draws.rows])
            return torch.full((self.views * rows, *shape), float(otherwise))
        return perhaps(self.uniform(what, *shape), self.often[what], *span, otherwise)


def chances_of(
    given: Mapping[str, float] | None, usual: Mapping[str, float], who: str
) -> dict[str, float]:
    """The usual chances with those that a recipe gives.

    Raises:
        UserError: a name that ``who`` does not know, or a chance that is none.
    """
    for name, often in (given or {}).items():
        if name not in usual:
            raise UserError(
                f"{who} have no chance of {name!r}.{suggestion(name, usual)} "
                f"There are: {', '.join(usual)}."
            )
        if not 0 <= often <= 1:
            raise UserError(f"{who} want chances.{name} from 0 to 1; it is {often}.")
    return {**usual, **(given or {})}


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


def sent(device: torch.device, *tensors: Tensor) -> list[Tensor]:
    """On the device, without waiting for it."""
    return [tensor.to(device, non_blocking=True) for tensor in tensors]
