"""Scores and their intervals, computed from the very figures that a result file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from pixvox_benchmarks.case_scores import CaseScores, applied
from pixvox_registry import METRICS, PROTOCOLS
from pixvox_registry.bootstrap import interval
from pixvox_registry.contracts import Task


def metrics_of(protocol: str, task: Task) -> tuple[str, ...]:
    """A protocol's own metrics, else those of the task; the first one ranks."""
    own: tuple[str, ...] = getattr(PROTOCOLS.get(protocol), "metrics", ())
    return own or task.metrics


def score(
    cases: CaseScores, metrics: Sequence[str]
) -> tuple[dict[str, float], dict[str, Mapping[str, Any]]]:
    """``{metric: score}`` and ``{metric: {low, high, method, note}}``, 95 % over cases.

    Raises:
        UserError: the predictions are not scorable, or a class has no test case.
    """
    columns, count = cases.arrays(), len(cases.ids)
    scores: dict[str, float] = {}
    intervals: dict[str, Mapping[str, Any]] = {}
    for name in metrics:
        metric = METRICS.build(name)

        def weighted(weight: Any, metric: Any = metric) -> Any:
            return applied(metric, columns, weight)

        scores[name] = float(weighted(np.ones((1, count)))[0])
        strata = columns["target"] if metric.stratified else None
        intervals[name] = asdict(interval(weighted, count, strata=strata))
    return scores, intervals
