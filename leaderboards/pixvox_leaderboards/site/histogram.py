"""A histogram of cases with its quartiles, drawn and told."""

from __future__ import annotations

import numpy as np

from pixvox_leaderboards.site.elements import Html, el
from pixvox_leaderboards.site.spread import Spread

BINS = 40
HEIGHT = 40  # of the tallest bar, in units of its own
BASE = 6  # below the bars: the line of quartiles


def histogram(spread: Spread) -> Html:
    """Bars, a line from the first to the third quartile, and a dot at the median."""
    if not len(spread.values):
        return el("figure", el("figcaption", el("b", spread.what), " no case has a value"))
    low, high = _ends(spread)
    counts, _ = np.histogram(spread.values, bins=BINS, range=(low, high))
    first, median, third = (float(q) for q in np.quantile(spread.values, [0.25, 0.5, 0.75]))
    said = f"median {median:.3f}, quartiles {first:.3f} to {third:.3f}, n {len(spread.values)}"
    if spread.undefined:
        said += f", undefined {spread.undefined}"
    worst = ", ".join(f"{case} {value:.3f}" for case, value in spread.worst)
    svg = el(
        "svg",
        el("title", f"{spread.what}: {said}"),
        *[_bar(place, int(count), int(counts.max())) for place, count in enumerate(counts)],
        _quartiles(low, high, first, median, third),
        viewBox=f"0 0 {6 * BINS} {HEIGHT + 2 * BASE}",
        role="img",
        class_="histogram",
    )
    ends = el("div", el("span", f"{low:.3g}"), el("span", f"{high:.3g}"), class_="ends")
    return el(
        "figure",
        el("figcaption", el("b", spread.what), el("br"), said),
        svg,
        ends,
        el("details", el("summary", f"The {len(spread.worst)} worst cases"), el("p", worst)),
    )


def _ends(spread: Spread) -> tuple[float, float]:
    """From 0 to 1 for shares; else what holds all values, and is no point."""
    if spread.is_share:
        return 0.0, 1.0
    low, high = float(spread.values.min()), float(spread.values.max())
    return low, high if high > low else low + 1.0


def _bar(place: int, count: int, tallest: int) -> Html | None:
    if not count:
        return None
    height = max(1.0, round(HEIGHT * count / tallest, 1))
    return el("rect", x=6 * place + 0.5, y=round(HEIGHT - height, 1), width=5, height=height)


def _quartiles(low: float, high: float, first: float, median: float, third: float) -> Html:
    def x(value: float) -> float:
        return round((value - low) / (high - low) * 6 * BINS, 1)

    y = HEIGHT + BASE
    line = el("line", x1=x(first), x2=x(third), y1=y, y2=y)
    return el("g", line, el("circle", cx=x(median), cy=y, r=3), class_="quartiles")
