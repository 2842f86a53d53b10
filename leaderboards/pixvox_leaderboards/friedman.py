"""Friedman's test over tasks and Nemenyi's critical difference (Demšar, JMLR 7, 2006)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import studentized_range

from pixvox_registry.draws import key

ORDERS = 9_999  # drawn: ranks in a random order on every task
ALPHA = 0.05

Floats = NDArray[np.float64]


def friedman_statistic(ranks: Floats) -> float:
    """Friedman's chi-square of ranks ``[T, M]``, T tasks and M methods (Demšar, section 3.2.2)."""
    tasks, methods = ranks.shape
    spread = (ranks.mean(0) ** 2).sum() - methods * (methods + 1) ** 2 / 4
    return float(12 * tasks / (methods * (methods + 1)) * spread)


def friedman_p(ranks: Floats) -> float:
    """How often ranks in a random order on each task differ as much, ``[T, M]``.

    By permutation: chi-square and F approximate it only from some ten tasks on. The observed order
    counts as one more.
    """
    random = np.random.default_rng(key(0, "orders", *ranks.shape))
    drawn = random.permuted(np.broadcast_to(ranks, (ORDERS, *ranks.shape)), axis=2)  # [P, T, M]
    squares = (drawn.mean(1) ** 2).sum(1)
    as_far = squares >= (ranks.mean(0) ** 2).sum() - 1e-9
    return float((1 + as_far.sum()) / (1 + ORDERS))


def critical_difference(tasks: int, methods: int, alpha: float = ALPHA) -> float:
    """Mean ranks that differ by as much are told apart, by Nemenyi (Demšar, section 3.2.2)."""
    q = float(studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * tasks))


def can_tell(tasks: int, methods: int) -> bool:
    """Could any result of so many tasks tell any two of so many methods apart?

    Not if perfect agreement of the tasks is no rarer than 5 %, nor if first and last on every task
    are nearer to each other than the critical difference.
    """
    if methods < 2 or math.factorial(methods) ** (1 - tasks) > ALPHA:
        return False
    return critical_difference(tasks, methods) < methods - 1


def cliques(mean_ranks: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """First and last of each widest run of sorted mean ranks within the critical difference.

    >>> cliques([1.2, 1.5, 2.9, 4.0], 1.5)
    [(0, 1), (1, 2), (2, 3)]
    """
    found: list[tuple[int, int]] = []
    for first, low in enumerate(mean_ranks):
        last = max(i for i, high in enumerate(mean_ranks) if high - low < difference)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
