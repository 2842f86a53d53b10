"""A small picture of one quantity over the steps of pretraining."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from pixvox_leaderboards.site.elements import Html, el

Values: TypeAlias = Sequence[float | None]
WIDTH, HEIGHT = 240, 72  # in units of its own
EDGE = 3


def curve(name: str, seeds: Sequence[tuple[Values, Values]]) -> Html:
    """A line for each seed, and in words where they begin and end.

    Args:
        seeds: steps and values of each; where either is not a number, the line has no point.
    """
    points = [_finite(steps, values) for steps, values in seeds]
    points = [each for each in points if each]
    if not points:
        return el("figure", el("figcaption", el("b", name), " nothing finite was logged"))
    xs = [x for each in points for x, _ in each]
    ys = [y for each in points for _, y in each]
    said = f"{_mean([each[0][1] for each in points])} → {_mean([each[-1][1] for each in points])}"
    title = (
        f"{name} over steps {min(xs):g} to {max(xs):g}, {len(points)} "
        f"{'seed' if len(points) == 1 else 'seeds'}: {said}, between {min(ys):.3g} and "
        f"{max(ys):.3g}"
    )
    lines = [
        el("polyline", points=" ".join(_place(point, xs, ys) for point in each)) for each in points
    ]
    svg = el(
        "svg",
        el("title", title),
        *lines,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        class_="curve",
    )
    ends = el("div", el("span", f"{min(xs):g}"), el("span", f"{max(xs):g} steps"), class_="ends")
    return el("figure", el("figcaption", el("b", name), f" {said}"), svg, ends)


def _finite(steps: Values, values: Values) -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for x, y in zip(steps, values, strict=True)
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)
    ]


def _mean(values: Sequence[float]) -> str:
    return f"{math.fsum(values) / len(values):.3g}"


def _place(point: tuple[float, float], xs: Sequence[float], ys: Sequence[float]) -> str:
    """From a step and a value to the picture, larger values higher."""
    x = (point[0] - min(xs)) / ((max(xs) - min(xs)) or 1.0)
    y = (point[1] - min(ys)) / ((max(ys) - min(ys)) or 1.0)
    return f"{EDGE + x * (WIDTH - 2 * EDGE):.1f},{HEIGHT - EDGE - y * (HEIGHT - 2 * EDGE):.1f}"
