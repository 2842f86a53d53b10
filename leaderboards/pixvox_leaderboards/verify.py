"""Does a result say what its cases say? Every digit is computed again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.estimate import aligned, installed, joint_interval
from pixvox_registry.console import say
from pixvox_registry.errors import UserError

TOLERANCE = 1e-9  # sums differ in their last bits from one processor to the next


def fault_of(file: Path) -> str | None:
    """What is wrong with a result's file or the cases beside it, naming the file; or None."""
    try:
        result = Result.read(file)
        return _fault(file, result)
    except UserError as error:
        return str(error) if str(file) in str(error) else f"{file}: {error}"


def _fault(file: Path, result: Result) -> str | None:
    cases = result.read_cases(file)
    if len(set(cases.ids)) != len(cases.ids) or len(cases.ids) != result.n_scored:
        return f"{file} states {result.n_scored} cases; {len(set(cases.ids))} stand beside it."
    target, (probability,) = aligned([cases])
    for name in result.metrics:
        metric, missing = installed(name, result.metric_versions[name])
        if metric is None:
            say(f"{file}: {name} is not checked: {missing}")
            continue
        once = np.ones((1, len(target)))
        score = float(metric(probability, target, once)[0])
        if not abs(score - result.scores[name]) <= TOLERANCE:
            return f"{file} states {name} {result.scores[name]}; its cases give {score}."
        found = joint_interval(metric, [cases])
        stated = result.intervals[name]
        if not max(abs(found.low - stated["low"]), abs(found.high - stated["high"])) <= TOLERANCE:
            return (
                f"{file} states {name} between {stated['low']} and {stated['high']}; its cases "
                f"give {found.low} to {found.high}."
            )
    return None
