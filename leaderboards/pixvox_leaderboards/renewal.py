"""Intervals of old results by today's rule, from the cases beside them; no score is touched."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from pixvox_benchmarks.case_scores import applied
from pixvox_benchmarks.result import Result
from pixvox_leaderboards.estimate import installed, joint_interval
from pixvox_leaderboards.seed_mean import aligned
from pixvox_leaderboards.verify import TOLERANCE
from pixvox_registry.artifacts import publish
from pixvox_registry.errors import UserError
from pixvox_registry.provenance import code


def renew(file: Path) -> bool:
    """Write a result anew whose intervals today's rule finds elsewhere; False if none is.

    What was measured stays: cases, scores, request and key. Its provenance says which code found
    the intervals.

    Raises:
        UserError: the file or its cases were edited, or a score is not what its cases give.
    """
    result = Result.read(file)
    cases = result.read_cases(file)
    (columns,) = aligned([cases])
    intervals: dict[str, Any] = dict(result.intervals)
    for name in result.metrics:
        metric, _ = installed(name, result.metric_versions[name])
        if metric is None:
            continue
        score = float(applied(metric, columns, np.ones((1, len(cases.ids))))[0])
        if not abs(score - result.scores[name]) <= TOLERANCE:
            raise UserError(
                f"{file} states {name} {result.scores[name]}; its cases give {score}. An interval "
                "can be found anew, a score must be measured anew."
            )
        found, stated = asdict(joint_interval(metric, [cases])), result.intervals[name]
        if max(abs(found[end] - stated[end]) for end in ("low", "high")) > TOLERANCE:
            intervals[name] = found
    if intervals == result.intervals:
        return False
    provenance = {**result.provenance, "intervals_by": code()}
    publish(file, replace(result, intervals=intervals, provenance=provenance).content())
    return True
