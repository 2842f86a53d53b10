"""A paired permutation test: the two methods of a comparison are swapped case by case."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.draws import key
from pixvox_registry.resampling import Floats, Score, groups_of, left_out, pieces, scored

SWAPS = 19_999  # drawn; p is never below 1 / 20,000
ENUMERATED = 14  # as many cases have 2^14 swaps: all are counted
ALPHA = 0.05
NOTHING = 1e-12  # what rounding leaves of a contribution that is none


def contributions(score: Score, strata: NDArray[np.integer] | None, cases: int) -> Floats:
    """What each case contributes to a score, ``[N]``; they sum to the score.

    The score's N-th part and the jackknife's influence of the case, within its stratum. Of a mean
    over cases this is the case's own value over N; of AUC, the components of DeLong (Biometrics,
    1988). NaN where a score is undefined without some case.

    Args:
        score: ``weight [P, N] -> [P]``.
        strata: ``[N]`` or None.
    """
    whole = float(score(np.ones((1, cases)))[0])
    without = scored(score, left_out(cases))
    found = np.full(cases, whole / cases)
    for group in groups_of(cases, strata):
        size = len(group)
        found[group] += (size - 1) / size * (without[group].mean() - without[group])
    return found


def permutation_p(contribution: Floats) -> Floats:
    """Two-sided p of each column, ``[N, C] -> [C]``: how often a swap goes as far from zero.

    A column holds what each case contributes to a difference of two methods; to swap the methods
    in a case turns its sign. All swaps are counted where at most ``ENUMERATED`` cases contribute
    anything; else ``SWAPS`` are drawn, the same for all columns, and the observed one counts as
    one more (Phipson and Smyth, 2010). NaN where a contribution is.
    """
    present = np.abs(contribution) > NOTHING
    far = np.abs(contribution.sum(0)) - NOTHING  # sums that differ in their last bits are equal
    farther = np.zeros(contribution.shape[1])
    for sign in _drawn(len(contribution)):
        farther += (np.abs(sign @ contribution) >= far).sum(0)
    p: Floats = (1 + farther) / (1 + SWAPS)
    for column in np.flatnonzero(present.sum(0) <= ENUMERATED):
        values = contribution[present[:, column], column]
        p[column] = (np.abs(_all(len(values)) @ values) >= far[column]).mean()
    p[~np.isfinite(far)] = np.nan
    return p


def least_p(contribution: Floats) -> float:
    """The least p that so many cases allow, ``[N]``: both ways that all of them can agree."""
    present = int((np.abs(contribution) > NOTHING).sum())
    return max(0.5 ** max(present - 1, 0), 1 / (1 + SWAPS))


def _all(cases: int) -> Floats:
    """``[2^N, N]`` of -1 and 1."""
    swapped = np.arange(1 << cases)[:, None] >> np.arange(cases) & 1
    return 1 - 2 * swapped.astype(np.float64)


def _drawn(cases: int) -> Iterator[Floats]:
    """``[P, N]`` of -1 and 1, ``SWAPS`` rows in all."""
    random = np.random.default_rng(key(0, "swaps", cases))
    for rows in pieces(SWAPS, cases):
        yield np.where(random.random((len(rows), cases)) < 0.5, 1.0, -1.0)
