"""Which methods the cases of a task tell apart, whichever two one picks after looking."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple, TypeAlias

import numpy as np

from pixvox_leaderboards.estimate import rounded
from pixvox_leaderboards.holm import holm
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.permutation import ALPHA, contributions, permutation_p


class Told(NamedTuple):
    """One method is told from another, and better, on one panel."""

    budget: str
    task: str
    protocol: str
    better: str
    worse: str


Apart: TypeAlias = frozenset[Told]


def told_apart(panels: Sequence[Panel]) -> Apart:
    """Every two methods of every panel, by the paired permutation test of the board.

    Holm corrects over all pairs and tasks of one budget and protocol: whoever picks the first of a
    table has looked at all of it. Scores that a board shows as equal are not told apart.
    """
    tables: dict[tuple[str, str], list[tuple[Told, float]]] = {}
    for panel in panels:
        table = tables.setdefault((str(panel.budget["name"]), panel.protocol), [])
        table += _pairs(panel)
    return frozenset(
        told
        for table in tables.values()
        for (told, _), p in zip(table, holm([p for _, p in table]), strict=True)
        if p <= ALPHA
    )


def _pairs(panel: Panel) -> list[tuple[Told, float]]:
    """Every two methods that differ as boards show them, each with its p before Holm."""
    share = {m: contributions(score, score.units) for m, score in sorted(panel.scores.items())}
    pairs = list(combinations(share, 2))
    if not pairs:
        return []
    table = np.stack([share[a] - share[b] for a, b in pairs], axis=1)  # [U, pairs]
    sign = 1 if panel.higher_is_better[panel.metrics[0]] else -1
    where = str(panel.budget["name"]), panel.task, panel.protocol
    return [
        (Told(*where, *((a, b) if ahead > 0 else (b, a))), float(p) if ahead else 1.0)
        for (a, b), gap, p in zip(pairs, table.sum(0), permutation_p(table), strict=True)
        for ahead in [sign * rounded(float(gap))]
    ]
