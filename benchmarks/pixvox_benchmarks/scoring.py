"""Scores and their intervals, computed from the very figures that a result file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from pixvox_benchmarks.result import CaseScores
from pixvox_registry import METRICS
from pixvox_registry.bootstrap import interval


def score(
    cases: CaseScores, metrics: Sequence[str]
) -> tuple[dict[str, float], dict[str, Mapping[str, Any]]]:
    """``{metric: score}`` and ``{metric: {low, high, method, note}}``, 95 % over cases.

    Raises:
        UserError: the predictions are not scorable, or a class has no test case.
    """
    probability = np.asarray(cases.probability, np.float64)  # [N, K]
    target = np.asarray(cases.target, np.int64)  # [N]
    scores: dict[str, float] = {}
    intervals: dict[str, Mapping[str, Any]] = {}
    for name in metrics:
        metric = METRICS.build(name)

        def weighted(weight: Any, metric: Any = metric) -> Any:
            return metric(probability, target, weight)

        scores[name] = float(weighted(np.ones((1, len(target))))[0])
        strata = target if metric.stratified else None
        intervals[name] = asdict(interval(weighted, len(target), strata=strata))
    return scores, intervals
