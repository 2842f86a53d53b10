"""Small multiples: a line of panels per task, one legend for all, in the manner of a board."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pixvox_leaderboards import wording
from pixvox_leaderboards.looks import Look
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.picture import FAINT, INK, REFERENCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLUMNS, PANEL_INCHES, HIGH_INCHES, LEAST_INCHES = 4, 3.7, 2.9, 5.6
NAME_INCHES, LETTER_INCHES, LINE_INCHES = 0.65, 0.067, 0.19

Shown = TypeVar("Shown")


def small_multiples(
    groups: Sequence[Sequence[Shown]],
    draw: Callable[[Axes, Shown], None],
    *,
    caption: str,
    looks: Mapping[str, Look],
    **marks: Any,
) -> Figure:
    """Each group begins a line of its own.

    Args:
        draw: one panel.
        looks: of all methods shown; the legend has them in this order.
        marks: of matplotlib's lines, for the legend.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    wide = min(COLUMNS, max(map(len, groups)))
    lines = [group[i : i + wide] for group in groups for i in range(0, len(group), wide)]
    width = max(wide * PANEL_INCHES, LEAST_INCHES)
    keys = [_key(method, look, **marks) for method, look in looks.items()]
    widest = max(len(str(key.get_label())) for key in keys)
    columns = min(len(keys), max(1, int(width / (NAME_INCHES + LETTER_INCHES * widest))))
    below = -(-len(keys) // columns) * LINE_INCHES + 0.2
    above = (1 + caption.count("\n")) * LINE_INCHES + 0.1
    figure = Figure(
        figsize=(width, len(lines) * HIGH_INCHES + above + below),
        layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08),
    )
    grid = figure.add_gridspec(len(lines), wide)
    for i, line in enumerate(lines):
        for j, shown in enumerate(line):
            draw(figure.add_subplot(grid[i, j]), shown)
    figure.suptitle(caption, x=0.01, ha="left", fontsize=9, color=INK)
    figure.legend(
        handles=keys,
        loc="outside lower left",
        ncols=columns,
        fontsize=8.5,
        labelcolor=INK,
        frameon=False,
    )
    return figure


def finish(axes: Axes, panel: Panel, protocol: str) -> None:
    """Title, ticks and spines, the same in every panel."""
    label = wording.metric_label(panel, panel.metrics[0])
    axes.set_title(
        f"{panel.task}\n{protocol} · {label} · {panel.budget['name']}",
        fontsize=9,
        loc="left",
        color=INK,
    )
    axes.tick_params(labelsize=8, colors=REFERENCE, labelcolor=INK, length=3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)


def _key(method: str, look: Look, **marks: Any) -> Line2D:
    from matplotlib.lines import Line2D

    facts = {"color": look.colour, "marker": look.marker, "ls": look.line, **marks}
    return Line2D([], [], label=wording.name_of(method), **facts)
