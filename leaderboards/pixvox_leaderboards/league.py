"""Methods over tasks: mean ranks, their bootstrap intervals, and what the tasks can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from pixvox_leaderboards.estimate import DIGITS
from pixvox_leaderboards.friedman import (
    ALPHA,
    can_tell,
    cliques,
    critical_difference,
    friedman_p,
    friedman_statistic,
)
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.seed_mean import SeedMean
from pixvox_registry.draws import key
from pixvox_registry.resampling import scored

RESAMPLES = 1000
RANK_DIGITS, P_DIGITS = 2, 4
LEVEL = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One method of a league.

    Args:
        place: one more than the number of methods whose whole interval is better; shared.
        ranks: on each task; equal scores share the mean of their ranks.
        low: of the 95 % interval of the mean rank over draws of cases within each task.
    """

    method: str
    is_reference: bool
    place: int
    mean_rank: float
    low: float
    high: float
    ranks: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class League:
    """Methods that all of some tasks have in common, under one protocol and budget.

    Args:
        standings: best mean rank first; references take part, random init among them.
        left_out: methods that lack a task.
        chi_square: Friedman's, of how far mean ranks differ; p is by permutation.
        critical_difference: Nemenyi's, or None where so few tasks can tell nothing.
        cliques: first and last of each run of standings that are not told apart.
    """

    budget: str
    protocol: str
    tasks: tuple[str, ...]
    standings: tuple[Standing, ...]
    left_out: tuple[str, ...]
    chi_square: float
    p: float
    critical_difference: float | None
    cliques: tuple[tuple[int, int], ...]

    @property
    def is_told(self) -> bool:
        """Do the tasks tell any two methods apart?"""
        return self.cliques != ((0, len(self.standings) - 1),)


def leagues(panels: Sequence[Panel]) -> list[League]:
    """The leagues of a board: two tasks or more that share two methods or more."""
    found = []
    for protocol, budget in dict.fromkeys((p.protocol, str(p.budget["name"])) for p in panels):
        here = [p for p in panels if (p.protocol, p.budget["name"]) == (protocol, budget)]
        waiting = sorted(here, key=lambda panel: -len(panel.scores))
        while waiting:
            together, methods = _together(waiting)
            waiting = [panel for panel in waiting if panel not in together]
            if len(together) > 1:
                found.append(_league(sorted(together, key=lambda p: p.task), sorted(methods)))
    return found


def _together(panels: Sequence[Panel]) -> tuple[list[Panel], set[str]]:
    """The first panel, all that have at least half of the methods left, and these methods.

    A task that few methods were measured on does not empty a league.
    """
    chosen, methods = [panels[0]], set(panels[0].scores)
    for panel in panels[1:]:
        both = methods & panel.scores.keys()
        if len(both) >= max(2, len(methods) / 2):
            chosen.append(panel)
            methods = both
    return chosen, methods


def _league(panels: Sequence[Panel], methods: Sequence[str]) -> League:
    ranks = np.stack([_ranks(_whole(panel, methods)) for panel in panels])  # [T, M]
    standings = _standings(panels, methods, ranks)
    p, difference = friedman_p(ranks), None
    if can_tell(*ranks.shape):
        difference = round(critical_difference(*ranks.shape), RANK_DIGITS)
    reach = difference if difference is not None and p <= ALPHA else float("inf")
    return League(
        budget=str(panels[0].budget["name"]),
        protocol=panels[0].protocol,
        tasks=tuple(panel.task for panel in panels),
        standings=standings,
        left_out=tuple(sorted({m for panel in panels for m in panel.scores} - set(methods))),
        chi_square=round(friedman_statistic(ranks), RANK_DIGITS) + 0.0,
        p=round(p, P_DIGITS),
        critical_difference=difference,
        cliques=tuple(cliques([standing.mean_rank for standing in standings], reach)),
    )


def _standings(
    panels: Sequence[Panel], methods: Sequence[str], ranks: Floats
) -> tuple[Standing, ...]:
    """Sorted, with the interval and the place of each; ``ranks`` is ``[T, M]``."""
    drawn = np.mean([_ranks(_drawn(panel, methods)) for panel in panels], axis=0)  # [R, M]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    mean, low, high = (np.round(x, RANK_DIGITS) for x in (ranks.mean(0), low, high))
    references = {row.method for panel in panels for row in panel.rows if row.is_reference}
    return tuple(
        Standing(
            method=methods[i],
            is_reference=methods[i] in references,
            place=1 + int((high < low[i]).sum()),
            mean_rank=float(mean[i]),
            low=float(low[i]),
            high=float(high[i]),
            ranks=tuple(map(float, ranks[:, i])),
        )
        for i in sorted(range(len(methods)), key=lambda i: (mean[i], methods[i]))
    )


def _whole(panel: Panel, methods: Sequence[str]) -> Floats:
    """``[M]`` scores on all cases, larger is better."""
    return _better_larger(
        panel, [panel.scores[m](np.ones((1, panel.scores[m].cases)))[0] for m in methods]
    )


def _drawn(panel: Panel, methods: Sequence[str]) -> Floats:
    """``[R, M]`` scores on the same draws of cases for every method, larger is better."""

    def score(one: SeedMean) -> Floats:
        seed = key(0, "ranks", panel.task)  # each task its own draws
        return scored(one, one.units.resampled(RESAMPLES, seed))

    return _better_larger(panel, np.stack([score(panel.scores[m]) for m in methods], axis=1))


def _better_larger(panel: Panel, scores: Floats | list[np.float64]) -> Floats:
    sign = 1.0 if panel.higher_is_better[panel.metrics[0]] else -1.0
    return sign * np.asarray(scores, np.float64)


def _ranks(scores: Floats) -> Floats:
    """Rank 1 is best; scores that boards show as equal are equal."""
    ranks: Floats = rankdata(-np.round(scores, DIGITS), axis=-1)
    return ranks
