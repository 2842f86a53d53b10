"""Weightings of cases: drawn anew with replacement, or with one of them left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.draws import key
from pixvox_registry.errors import UserError

Floats = NDArray[np.float64]
Score = Callable[[Floats], Floats]  # weight [P, N] -> [P]

WEIGHTS_AT_ONCE = 1 << 21  # 16 MB: what a score holds in memory, a few times over


def groups_of(cases: int, strata: NDArray[np.integer] | None) -> list[NDArray[np.intp]]:
    """Rows of each stratum; one group where there are no strata.

    Raises:
        UserError: there is no case.
    """
    if cases < 1:
        raise UserError("A bootstrap interval was asked for over no cases; give at least one.")
    if strata is None:
        return [np.arange(cases)]
    if len(strata) != cases:
        raise ValueError(f"{cases} cases but {len(strata)} strata")
    return [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]


def resampled(
    groups: list[NDArray[np.intp]], cases: int, resamples: int, seed: int
) -> Iterator[Floats]:
    """``[P, N]`` counts of cases drawn with replacement within their stratum."""
    streams = [np.random.default_rng(key(seed, "bootstrap", i)) for i in range(len(groups))]
    for rows in pieces(resamples, cases):
        weight = np.empty((len(rows), cases))
        for group, random in zip(groups, streams, strict=True):
            size = len(group)
            drawn = random.integers(size, size=(len(rows), size))
            drawn += size * np.arange(len(rows))[:, None]
            counts = np.bincount(drawn.ravel(), minlength=len(rows) * size)
            weight[:, group] = counts.reshape(len(rows), size)
        yield weight


def left_out(cases: int) -> Iterator[Floats]:
    """``[P, N]`` ones, but for one case left out in each row."""
    for rows in pieces(cases, cases):
        weight = np.ones((len(rows), cases))
        weight[np.arange(len(rows)), rows] = 0
        yield weight


def pieces(rows: int, cases: int) -> Iterator[NDArray[np.intp]]:
    """Row numbers, as many at once as memory allows."""
    size = max(1, WEIGHTS_AT_ONCE // cases)
    for start in range(0, rows, size):
        yield np.arange(start, min(start + size, rows))


def scored(score: Score, weightings: Iterator[Floats]) -> Floats:
    """A score of every row of some weightings."""
    return np.concatenate([np.asarray(score(weight), np.float64) for weight in weightings])
