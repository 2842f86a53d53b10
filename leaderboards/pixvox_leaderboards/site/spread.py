"""What a row says case by case: its metric's values, or how sure it is of the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_leaderboards.seed_mean import aligned
from pixvox_registry.resampling import Floats

MOST_CLASSES = 8  # as many get a picture each; more share one
EXTREMES = 5


@dataclass(frozen=True)
class Spread:
    """Values of cases, the mean over seeds of each.

    Args:
        what: of the values, ``Dice`` or ``probability of class 1, where it is true``.
        values: ``[N]``, finite.
        undefined: cases that have no value.
        is_share: do they lie between 0 and 1?
        worst: ids and values of the worst cases.
    """

    what: str
    values: Floats
    undefined: int
    is_share: bool
    worst: tuple[tuple[str, float], ...]


def spreads(metric: str, runs: Sequence[CaseScores], *, higher_is_better: bool) -> list[Spread]:
    """The metric's own values where cases have any; else the probability of what is true.

    Of structures and of classes one each. None where results keep neither.
    """
    columns = aligned(runs)
    ids = runs[0].ids
    if metric in columns[0]:
        values = np.mean([seed[metric] for seed in columns], axis=0)  # [N] or [N, S]
        parts = values[:, None] if values.ndim == 1 else values
        names = [metric] if parts.shape[1] == 1 else _numbered(metric, parts.shape[1])
        return [
            _spread(name, ids, part, higher_is_better=higher_is_better)
            for name, part in zip(names, parts.T, strict=True)
        ]
    if "target" not in columns[0]:
        return []
    target = columns[0]["target"]
    probability = np.mean([seed["probability"] for seed in columns], axis=0)  # [N, K] or [N, L]
    if target.ndim == 2:
        sure = np.where(target == 1, probability, 1 - probability).mean(1)
        return [_spread("probability of the truth, mean over labels", ids, sure)]
    sure = probability[np.arange(len(target)), target]
    classes = probability.shape[1]
    if classes > MOST_CLASSES:
        return [_spread("probability of the true class", ids, sure)]
    return [
        _spread(
            f"probability of class {k}, where it is true",
            [case for case, told in zip(ids, target, strict=True) if told == k],
            sure[target == k],
        )
        for k in range(classes)
        if (target == k).any()
    ]


def _numbered(metric: str, count: int) -> list[str]:
    return [f"{metric}, structure {number + 1}" for number in range(count)]


def _spread(
    what: str, ids: Sequence[str], values: Floats, *, higher_is_better: bool = True
) -> Spread:
    known = [(float(v), case) for case, v in zip(ids, values, strict=True) if math.isfinite(v)]
    worst_first = sorted(known, key=lambda pair: pair[0] if higher_is_better else -pair[0])
    found = np.array([value for value, _ in known], np.float64)
    return Spread(
        what=what,
        values=found,
        undefined=len(values) - len(known),
        is_share=bool(len(found) and found.min() >= 0 and found.max() <= 1),
        worst=tuple((case, value) for value, case in worst_first[:EXTREMES]),
    )
