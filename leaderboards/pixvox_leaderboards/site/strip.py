"""Strips: a dot and its interval on an axis, random init behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pixvox_leaderboards.comparison import Comparison
from pixvox_leaderboards.estimate import Estimate
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row
from pixvox_leaderboards.site.elements import Html, el

MARGIN = 4.0  # percent of the width, on both sides
LEAST = 1e-3  # the shortest axis


@dataclass(frozen=True)
class Axis:
    """From values to places in percent of a strip's width."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Axis:
        """The shortest that holds all values."""
        ends = [value for value in values if value is not None]
        return cls(min(ends), max(max(ends), min(ends) + LEAST))

    def at(self, value: float | None) -> float | None:
        """One decimal, or None where there is nothing."""
        if value is None:
            return None
        share = (value - self.low) / (self.high - self.low)
        return round(MARGIN + share * (100 - 2 * MARGIN), 1)


def axis_of(panel: Panel, metric: str) -> Axis:
    """The axis that all rows of a panel share."""
    every = [row.estimates[metric] for row in panel.rows if metric in row.estimates]
    return Axis.of(v for e in every for v in (e.mean, e.low, e.high))


def places(axis: Axis, estimate: Estimate) -> list[float | None]:
    """Of the mean and of both ends of the interval."""
    return [axis.at(estimate.mean), axis.at(estimate.low), axis.at(estimate.high)]


def floor_places(axis: Axis, panel: Panel, metric: str) -> list[float | None]:
    """Of random init, where a line can be drawn for all rows."""
    floor = panel.floor
    if floor is None or metric not in floor.estimates:
        return [None, None, None]
    return places(axis, floor.estimates[metric])


def score_strip(axis: Axis, panel: Panel, row: Row, metric: str) -> Html:
    """The strip beside a score; the text there says the same, so screen readers pass it by."""
    kind = "reference" if row.is_reference else "method"
    return drawn(
        kind + " hollow" * row.is_doubtful,
        places(axis, row.estimates[metric]),
        floor_places(axis, panel, metric),
    )


def difference_strip(axis: Axis, one: Comparison) -> Html:
    """A difference and its interval; the dashed line is no difference."""
    told = "method" if one.is_told else "reference hollow"
    return drawn(
        told,
        [axis.at(one.difference), axis.at(one.low), axis.at(one.high)],
        [axis.at(0.0), None, None],
    )


def drawn(kind: str, mine: list[float | None], floor: list[float | None]) -> Html:
    """Places in percent: of a mark and its interval, and of what stands behind it."""
    mean, low, high = mine
    behind, left, right = floor
    shapes = []
    if left is not None and right is not None:
        width = round(right - left, 1)
        shapes.append(el("rect", class_="band", x=f"{left}%", width=f"{width}%", height="100%"))
    if behind is not None:
        at = f"{behind}%"
        shapes.append(el("line", class_="chance", x1=at, x2=at, y1=0, y2="100%"))
    if low is not None and high is not None:
        shapes.append(
            el("line", class_="interval", x1=f"{low}%", x2=f"{high}%", y1="50%", y2="50%")
        )
    shapes.append(el("circle", cx=f"{mean}%", cy="50%", r=4))
    return el("svg", *shapes, class_=f"strip {kind}", aria_hidden="true")
