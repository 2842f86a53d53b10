"""A score over seeds: its mean, its spread over seeds, and its interval over cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixvox_benchmarks.case_scores import CaseScores, Columns, applied
from pixvox_leaderboards.reading import Reading
from pixvox_registry import METRICS, UserError
from pixvox_registry.bootstrap import Interval, interval
from pixvox_registry.contracts import Metric

DIGITS = 3  # of every figure on a board; rounded before anything is ranked or marked


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A score as boards show it, rounded.

    Args:
        low: of the 95 % interval over cases, or None where its metric is not installed.
        seed_sd: standard deviation over seeds, or None with one seed.
        method: ``bca``, ``percentile``, or nothing without an interval.
        note: why not BCa, why the score may lie outside, or why no interval.
    """

    mean: float
    low: float | None
    high: float | None
    seed_sd: float | None
    method: str
    note: str
    higher_is_better: bool

    @property
    def has_interval(self) -> bool:
        """Without one, nothing can be ranked or marked."""
        return self.low is not None

    def is_clearly_better_than(self, other: Estimate) -> bool:
        """Is the whole interval better than the whole interval of the other?"""
        better, worse = self.low, other.high
        if not self.higher_is_better:
            better, worse = other.low, self.high
        return better is not None and worse is not None and better > worse


def estimate(name: str, readings: Sequence[Reading]) -> Estimate:
    """One metric of one row of a board: what each seed says of the same cases."""
    head = readings[0].result
    scores = [reading.result.scores[name] for reading in readings]
    metric, missing = installed(name, head.metric_versions[name])
    found = Interval(float("nan"), float("nan"), "", missing)
    if metric is not None:
        found = joint_interval(metric, [reading.cases for reading in readings])
    return Estimate(
        mean=_rounded(float(np.mean(scores))),
        low=_rounded(found.low) if metric else None,
        high=_rounded(found.high) if metric else None,
        seed_sd=_rounded(float(np.std(scores, ddof=1))) if len(scores) > 1 else None,
        method=found.method,
        note=found.note,
        higher_is_better=head.higher_is_better[name],
    )


def joint_interval(metric: Metric, runs: Sequence[CaseScores]) -> Interval:
    """Each resample draws its cases once for all seeds and averages the metric over them."""
    every = aligned(runs)
    target = every[0]["target"]

    def mean_over_seeds(weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """``[P, N] -> [P]``."""
        scores: NDArray[np.float64] = np.mean(
            [applied(metric, columns, weight) for columns in every], axis=0
        )
        return scores

    strata = target if metric.stratified else None
    return interval(mean_over_seeds, len(target), strata=strata)


def aligned(runs: Sequence[CaseScores]) -> list[Columns]:
    """What each run says of each case, in the order of the first run's cases.

    Raises:
        UserError: the runs are not about the same cases.
    """
    first = runs[0]
    wanted = dict(zip(first.ids, first.target, strict=True))
    every: list[Columns] = []
    for run in runs:
        if dict(zip(run.ids, run.target, strict=True)) != wanted:
            raise UserError(
                "The seeds of one row must say something of the same cases with the same labels; "
                "these do not, although they state the same task. Remove the results of one."
            )
        place = {case: number for number, case in enumerate(run.ids)}
        order = [place[case] for case in first.ids]
        every.append({name: column[order] for name, column in run.arrays().items()})
    return every


def installed(name: str, version: str) -> tuple[Metric | None, str]:
    """The metric that gave a score, or why it cannot be had here."""
    if name not in METRICS:
        return None, f"metric {name} is not installed"
    metric = METRICS.build(name)
    if metric.version != version:
        return None, f"metric {name} {version} is not installed, {metric.version} is"
    return metric, ""


def _rounded(value: float) -> float:
    return round(value, DIGITS) + 0.0  # no -0.0
