"""A score over seeds: its mean, its spread over seeds, and its interval over cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_leaderboards.reading import Reading
from pixvox_leaderboards.seed_mean import seed_mean
from pixvox_registry import METRICS
from pixvox_registry.bootstrap import Interval, interval
from pixvox_registry.measuring import Metric

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
        mean=rounded(float(np.mean(scores))),
        low=rounded(found.low) if metric else None,
        high=rounded(found.high) if metric else None,
        seed_sd=rounded(float(np.std(scores, ddof=1))) if len(scores) > 1 else None,
        method=found.method,
        note=found.note,
        higher_is_better=head.higher_is_better[name],
    )


def joint_interval(metric: Metric, runs: Sequence[CaseScores]) -> Interval:
    """Each resample draws its cases once for all seeds and averages the metric over them."""
    score = seed_mean(metric, runs)
    return interval(score, score.cases, strata=score.strata, patients=score.patients)


def installed(name: str, version: str) -> tuple[Metric | None, str]:
    """The metric that gave a score, or why it cannot be had here."""
    if name not in METRICS:
        return None, f"metric {name} is not installed"
    metric = METRICS.build(name)
    if metric.version != version:
        return None, f"metric {name} {version} is not installed, {metric.version} is"
    return metric, ""


def rounded(value: float) -> float:
    """As boards show it."""
    return round(value, DIGITS) + 0.0  # no -0.0
