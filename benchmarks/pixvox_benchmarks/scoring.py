"""Scores and their intervals, computed from the very figures that a result file holds."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixvox_benchmarks.case_scores import CaseScores, Columns
from pixvox_registry import METRICS, PROTOCOLS
from pixvox_registry.bootstrap import interval
from pixvox_registry.contracts import Metric, Task
from pixvox_registry.errors import UserError


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
    columns = cases.arrays()
    target = columns["target"]
    scores: dict[str, float] = {}
    intervals: dict[str, Mapping[str, Any]] = {}
    for name in metrics:
        metric = METRICS.build(name)

        def weighted(weight: Any, metric: Any = metric) -> Any:
            return applied(metric, columns, weight)

        scores[name] = float(weighted(np.ones((1, len(target))))[0])
        strata = target if metric.stratified else None
        intervals[name] = asdict(interval(weighted, len(target), strata=strata))
    return scores, intervals


def applied(metric: Metric, columns: Columns, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """A metric on the columns that it names, ``[P, N] -> [P]``.

    Raises:
        UserError: it names a column that the cases do not have.
    """
    named = inspect.signature(metric.__call__).parameters.keys() - {"weight"}
    if missing := sorted(named - columns.keys()):
        raise UserError(
            f"Metric {type(metric).__name__} wants {', '.join(missing)} of every case; the "
            f"protocol gives {', '.join(sorted(columns))}. Take it with a protocol that does."
        )
    scores: NDArray[np.float64] = metric(**{n: columns[n] for n in named}, weight=weight)
    return scores
