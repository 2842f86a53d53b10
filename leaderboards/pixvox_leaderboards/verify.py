"""Does a result say what its cases say, and nothing twice otherwise? All is computed again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pixvox_benchmarks.case_scores import CaseScores, applied
from pixvox_benchmarks.gap import Gap, gap_files_below
from pixvox_benchmarks.result import Result
from pixvox_leaderboards.estimate import installed, joint_interval
from pixvox_leaderboards.seed_mean import aligned
from pixvox_registry.errors import UserError
from pixvox_registry.measuring import Metric

TOLERANCE = 1e-9  # sums differ in their last bits from one processor to the next


@dataclass(frozen=True)
class Finding:
    """What came of computing a result again.

    Args:
        fault: what is wrong with its file or the cases beside it, naming the file; or nothing.
        unchecked: for each metric that could not be computed, the file, the metric and why.
    """

    fault: str
    unchecked: tuple[str, ...] = ()


def examine(file: Path) -> Finding:
    """Compute every score and interval of a result again from the cases beside it."""
    try:
        result = Result.read(file)
        if twice := contradiction(result):
            return Finding(f"{file} states {twice}.")
        return _examine(file, result, result.read_cases(file))
    except UserError as error:
        return Finding(str(error) if str(file) in str(error) else f"{file}: {error}")
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        return Finding(
            f"{file} cannot be computed again, as the cases beside it are of no such kind: "
            f"{type(error).__name__} {str(error)[:200]}"
        )


def contradiction(result: Result) -> str:
    """What a result says twice, in two ways; or nothing."""
    _, at, percent = result.protocol.partition("@")
    share = float(percent.removesuffix("%")) / 100 if at else None
    protocol = result.asked.get("protocol")
    asked = protocol.get("label_fraction") if isinstance(protocol, dict) else None
    if share != asked:
        return (
            f"protocol {result.protocol}, so a label fraction of {share or 1:g}, and that "
            f"{1 if asked is None else asked!r:.40} was asked"
        )
    if result.dims != result.budget["dims"]:
        return f"dims {result.dims!r:.40}, and a budget of dims {result.budget['dims']!r:.40}"
    if not _are_curves(list(result.curves.values())):
        return "curves of unlike lengths or of other than figures, and each has one per report"
    return ""


def _are_curves(told: list[Any]) -> bool:
    """Lists of one length, of numbers or None?"""
    if not all(isinstance(curve, list) for curve in told):
        return False
    figures = [figure for curve in told for figure in curve]
    is_read = all(figure is None or isinstance(figure, int | float) for figure in figures)
    return is_read and len({len(curve) for curve in told}) <= 1


def faults_of_gaps(folder: Path) -> list[str]:
    """What is wrong with each damaged gap of a folder."""
    faults = []
    for file in gap_files_below(folder):
        try:
            Gap.read(file)
        except UserError as error:
            faults.append(str(error))
    return faults


def _examine(file: Path, result: Result, cases: CaseScores) -> Finding:
    if len(set(cases.ids)) != len(cases.ids) or len(cases.ids) != result.n_scored:
        return Finding(
            f"{file} states {result.n_scored} cases; {len(set(cases.ids))} stand beside it."
        )
    fault, unchecked = "", []
    for name in result.metrics:
        metric, missing = installed(name, result.metric_versions[name])
        if metric is None:
            unchecked.append(f"{file}: {name} is unchecked: {missing}.")
        elif difference := _difference(name, metric, result, cases):
            fault = fault or f"{file} states {difference}."
    return Finding(fault, tuple(unchecked))


def _difference(name: str, metric: Metric, result: Result, cases: CaseScores) -> str:
    """``auc 0.91; its cases give 0.86``, or nothing."""
    if metric.higher_is_better != result.higher_is_better[name]:
        better, other = ("higher", "lower") if metric.higher_is_better else ("lower", "higher")
        return f"that a {other} {name} is better; by this metric a {better} one is"
    (columns,) = aligned([cases])
    score = float(applied(metric, columns, np.ones((1, len(cases.ids))))[0])
    if not abs(score - result.scores[name]) <= TOLERANCE:
        return f"{name} {result.scores[name]}; its cases give {score}"
    found, stated = joint_interval(metric, [cases]), result.intervals[name]
    if not max(abs(found.low - stated["low"]), abs(found.high - stated["high"])) <= TOLERANCE:
        return (
            f"{name} between {stated['low']} and {stated['high']}; its cases give {found.low} to "
            f"{found.high}"
        )
    return ""
