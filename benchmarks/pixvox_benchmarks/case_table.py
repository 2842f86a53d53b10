"""What each case scored, as CSV: one row a case, and whether it was predicted at all."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pixvox_benchmarks.outside import Scored


def case_table(scored: Scored) -> bytes:
    """``id, patient, missing``, then figures of metrics, or the truth and probabilities.

    ``missing`` is 1 where nothing was predicted and the worst was scored. ``patient`` is there
    where one has several cases. A figure that does not apply is empty.
    """
    cases, missing = scored.cases, set(scored.missing)
    columns: dict[str, Sequence[Any]] = {"id": cases.ids}
    if cases.patients:
        columns["patient"] = cases.patients
    columns["missing"] = [int(case in missing) for case in cases.ids]
    columns |= _told(scored) if cases.target else _measured(scored)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue().encode()


def _told(scored: Scored) -> Mapping[str, Sequence[Any]]:
    """The truth, by name or label by label, and a probability for each name."""
    cases, names = scored.cases, scored.names
    truth: dict[str, Sequence[Any]] = {}
    for place, name in enumerate(names):
        held = [told[place] for told in cases.target if isinstance(told, tuple)]
        truth |= {f"true {name}": held} if held else {}
    if not truth:
        truth["true class"] = [names[told] for told in cases.target if isinstance(told, int)]
    return truth | {
        f"p {name}": [p[at] for p in cases.probability] for at, name in enumerate(names)
    }


def _measured(scored: Scored) -> Mapping[str, Sequence[Any]]:
    """A column for each metric and structure."""
    several = len(scored.names) > 1
    return {
        f"{metric} {name}" if several else metric: [
            "" if math.isnan(figures[place]) else figures[place]
            for figures in values
            if isinstance(figures, tuple)
        ]
        for metric, values in scored.cases.columns.items()
        for place, name in enumerate(scored.names)
    }
