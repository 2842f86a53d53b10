"""Scores and their intervals, computed from the very figures that a result file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from pixvox_benchmarks.case_scores import CaseScores, applied, strata_of
from pixvox_benchmarks.label_fraction import asked
from pixvox_registry import METRICS, PROTOCOLS
from pixvox_registry.bootstrap import interval
from pixvox_registry.contracts import Task
from pixvox_registry.errors import UserError


def metrics_of(protocol: str, task: Task) -> tuple[str, ...]:
    """A protocol's own metrics, else those of the task; the first one ranks.

    Raises:
        UserError: the task has labels of which several may hold, and a metric does not score such.
    """
    own: tuple[str, ...] = getattr(PROTOCOLS.get(asked(protocol)[0]), "metrics", ())
    metrics = own or task.metrics
    if getattr(task, "kind", "") == "labels":
        _refuse_metrics_of_classes(task.name, metrics)
    return metrics


def _refuse_metrics_of_classes(task: str, metrics: Sequence[str]) -> None:
    scoring = [name for name, metric in METRICS.sound() if hasattr(metric, "of_labels")]
    refused = [name for name in metrics if name not in scoring]
    if refused:
        raise UserError(
            f"Task {task!r} has labels of which several may hold for a case; metric "
            f"{refused[0]!r} wants one class for each. Take {', '.join(scoring)}."
        )


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
        strata = strata_of(metric, columns)
        intervals[name] = asdict(interval(weighted, count, strata=strata, patients=cases.patients))
    return scores, intervals
