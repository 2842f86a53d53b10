"""Bootstrap confidence intervals over patients: BCa (Efron, JASA 1987), resamples at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from pixvox_registry.errors import UserError
from pixvox_registry.resampling import Floats, Score, Units, scored

TIE = 1e-12  # scores this close are equal: their last bits differ from machine to machine


@dataclass(frozen=True)
class Interval:
    """A confidence interval, and how it was found."""

    low: float
    high: float
    method: str  # bca | percentile
    note: str  # why not bca, or why the score lies outside, or nothing


def interval(
    score: Score,
    cases: int,
    *,
    strata: NDArray[np.integer] | None = None,
    patients: Sequence[str] = (),
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The interval of a score over resampled cases.

    A resample is a weighting: each case counts as often as it was drawn. To average a metric over
    seeds, let ``score`` average it, so that each resample draws its cases once for all seeds.
    Where BCa is undefined the percentile interval stands in, and ``note`` says why. A sum of
    absolute values, as a calibration error, scores higher on resamples than on its cases: its
    interval, corrected for that, may lie below the score, and ``note`` says so.

    Args:
        score: ``weight [P, N] -> [P]``, vectorised over weightings; any metric of weighted cases.
        strata: ``[N]``; cases are drawn within each stratum (within class, for AUC).
        patients: ``[N]``; those of one are drawn together. Nothing where each has one case.
        level: 0.95 for a 95 % interval.

    Raises:
        UserError: there is no case, or a resample has no score.
    """
    units = Units(cases, strata=strata, patients=patients)
    observed = float(score(np.ones((1, cases)))[0])
    drawn = scored(score, units.resampled(resamples, seed))
    if not (np.isfinite(observed) and np.isfinite(drawn).all()):
        raise UserError(
            "A bootstrap interval was asked for, but the score is not a number on some resample. "
            "Resample within class (strata), or use a metric that is defined on every resample."
        )
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    corrected, note = _bca(score, units, observed, drawn, tails)
    low, high = np.quantile(drawn, tails if corrected is None else corrected)
    if not (note or low <= observed <= high):
        note = "the score is biased: its resamples centre elsewhere, and so does the interval"
    return Interval(float(low), float(high), "percentile" if corrected is None else "bca", note)


def _bca(
    score: Score,
    units: Units,
    observed: float,
    drawn: Floats,
    tails: Floats,
) -> tuple[Floats | None, str]:
    """The tails to read off the resamples, corrected for bias and skew; or None, and why."""
    if np.ptp(drawn) <= TIE * max(1.0, abs(observed)):
        return None, "all resamples score alike"
    slack = TIE * max(1.0, abs(observed))
    less, no_more = drawn < observed - slack, drawn <= observed + slack
    if not less.any() or no_more.all():
        return None, "the score lies at the edge of its resamples, or outside"
    below = (less.mean() + no_more.mean()) / 2  # ties count half
    units = units.bunched()
    jackknife = scored(score, units.left_out())
    if not np.isfinite(jackknife).all():
        return None, "a class has a single case: no jackknife"
    if np.ptp(jackknife) <= TIE * max(1.0, abs(observed)):
        return None, "constant jackknife"
    bias = ndtri(below)  # z0
    normal = bias + ndtri(tails)
    stretch = 1 - _acceleration(jackknife, units.groups) * normal
    if (stretch <= 0).any():
        return None, "the acceleration is too large for BCa"
    corrected: Floats = ndtr(bias + normal / stretch)
    return corrected, ""


def _acceleration(jackknife: Floats, groups: list[NDArray[np.intp]]) -> float:
    """Skew of the influence of single units, pooled over strata (Davison and Hinkley 1997, 5.3)."""
    influence = np.concatenate(
        [(len(g) - 1) / len(g) * (jackknife[g].mean() - jackknife[g]) for g in groups]
    )
    spread = (influence**2).sum()
    return float((influence**3).sum() / (6 * spread**1.5)) if spread > 0 else 0.0
