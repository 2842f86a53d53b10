"""A paired permutation test: the two methods of a comparison are swapped patient by patient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pixvox_registry.draws import key
from pixvox_registry.resampling import Floats, Score, Units, pieces, scored

SWAPS = 19_999  # drawn; p is never below 1 / 20,000
ENUMERATED = 14  # as many units have 2^14 swaps: all are counted
ALPHA = 0.05
NOTHING = 1e-12  # what rounding leaves of a contribution that is none


def contributions(score: Score, units: Units) -> Floats:
    """What each of U units contributes to a score, ``[U]``; they sum to the score.

    Of too many, bunches contribute together.

    The score's U-th part and the jackknife's influence of the unit, within its stratum. Of a mean
    over cases this is the case's own value over U; of AUC, the components of DeLong (Biometrics,
    1988). NaN where a score is undefined without some unit.

    Args:
        score: ``weight [P, N] -> [P]``.
    """
    units = units.bunched()
    whole = float(score(np.ones((1, len(units.owner))))[0])
    without = scored(score, units.left_out())
    found = np.full(units.count, whole / units.count)
    for group in units.groups:
        size = len(group)
        found[group] += (size - 1) / size * (without[group].mean() - without[group])
    return found


def permutation_p(contribution: Floats) -> Floats:
    """Two-sided p of each column, ``[U, C] -> [C]``: how often a swap goes as far from zero.

    A column holds what each unit contributes to a difference of two methods; to swap the methods
    in a unit turns its sign. All swaps are counted where at most ``ENUMERATED`` units contribute
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
    """The least p that so many units allow, ``[U]``: both ways that all of them can agree."""
    present = int((np.abs(contribution) > NOTHING).sum())
    return max(0.5 ** max(present - 1, 0), 1 / (1 + SWAPS))


def _all(units: int) -> Floats:
    """``[2^U, U]`` of -1 and 1."""
    swapped = np.arange(1 << units)[:, None] >> np.arange(units) & 1
    return 1 - 2 * swapped.astype(np.float64)


def _drawn(units: int) -> Iterator[Floats]:
    """``[P, U]`` of -1 and 1, ``SWAPS`` rows in all."""
    random = np.random.default_rng(key(0, "swaps", units))
    for rows in pieces(SWAPS, units):
        yield np.where(random.random((len(rows), units)) < 0.5, 1.0, -1.0)
