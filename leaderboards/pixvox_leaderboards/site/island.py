"""What the script is told of the table: keys to sort by, and every other metric."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pixvox_leaderboards import wording
from pixvox_leaderboards.site.columns import Column
from pixvox_leaderboards.site.elements import Html, el
from pixvox_leaderboards.site.line import Line
from pixvox_leaderboards.site.strip import floor_places, places


def island(lines: Sequence[Line], columns: Sequence[Column]) -> Html:
    """A script element that holds data and runs nothing."""
    first = {id(line.panel): line for line in reversed(lines)}
    heads = [line for line in lines if first[id(line.panel)] is line]
    number = {id(head.panel): place for place, head in enumerate(heads)}
    return data(
        {
            "keys": {column.name: [column.key(line) for line in lines] for column in columns},
            "state": [line.row.exposure.state for line in lines],
            "kind": [line.kind for line in lines],
            "panel": [number[id(line.panel)] for line in lines],
            "panels": [_metrics(head) for head in heads],
            "scores": [_scores(line) for line in lines],
        }
    )


def data(value: Any) -> Html:
    """JSON inside a page; ``<`` is spelt so that nothing in it can end the element."""
    text = json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return el("script", Html(safe), type="application/json", id="data")


def _metrics(line: Line) -> list[dict[str, Any]]:
    """Of a line's panel, the ranking one first."""
    return [
        {
            "name": metric,
            "label": wording.metric_label(line.panel, metric),
            "floor": floor_places(line.axes[metric], line.panel, metric),
        }
        for metric in line.panel.metrics
    ]


def _scores(line: Line) -> list[list[Any] | None]:
    """By metric of the panel: mean, seed SD, text of the interval, its note, places on the strip.

    None where the row lacks a metric.
    """
    found: list[list[Any] | None] = []
    for metric in line.panel.metrics:
        estimate = line.row.estimates.get(metric)
        if estimate is None:
            found.append(None)
            continue
        text = wording.interval_text(estimate)
        at = places(line.axes[metric], estimate)
        found.append([estimate.mean, estimate.seed_sd, text, estimate.note, at])
    return found
