"""Order: what a maker is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from pixvox_registry.budgets import Budget
from pixvox_registry.contracts import Source


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A further source of one pretraining, whose batches alternate with the others'."""

    source: Source
    split: str
    batch: int
    flips: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a benchmark asks of a maker: this method, on these cases, within this budget.

    Args:
        flips: axes of ``*S`` along which views may mirror this anatomy.
        beside: further sources, of images or of volumes.
    """

    method: str
    source: Source
    split: str
    budget: Budget
    seed: int
    flips: tuple[int, ...]
    beside: tuple[Beside, ...] = ()
