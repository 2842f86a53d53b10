"""Plan: how many steps each stage of a recipe gets within a budget."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pixvox_registry.budgets import Budget
from pixvox_zoo.recipe import Recipe, Stage


@dataclass(frozen=True)
class Leg:
    """One stage on the step counter: it runs from ``start`` to before ``end``."""

    stage: Stage
    start: int
    end: int

    def progress(self, step: int) -> float:
        """The share of the stage that is done before a step."""
        return (step - self.start) / max(1, self.end - self.start)


def plan(recipe: Recipe, budget: Budget, batch: int) -> list[Leg]:
    """Share the budget's steps among the stages in proportion to their epochs.

    A step learns from ``optimizer.accumulate`` batches. A recipe of zero epochs (a reference row)
    gets no step; a stage of zero epochs only refits.
    """
    cases = batch * recipe.optimizer.accumulate
    total = math.ceil(budget.seen / cases) if recipe.epochs > 0 else 0
    legs: list[Leg] = []
    done = 0.0
    for stage in recipe.stages:
        start = legs[-1].end if legs else 0
        done += stage.epochs
        end = round(total * done / recipe.epochs) if total else 0
        legs.append(Leg(stage, start, end))
    return legs
