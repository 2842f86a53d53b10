"""A board as a picture: a dot is the mean, a line its interval; a panel per task, protocol."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pixvox_leaderboards import wording
from pixvox_leaderboards.board import Board
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import NOT_BETTER, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METHOD, REFERENCE, INK, FAINT = "#0072B2", "#7A7A7A", "#222222", "#E4E4E4"  # Okabe and Ito's blue
GAP = 0.4  # in rows
ROW_INCHES, PANEL_INCHES, NAME_INCHES = 0.27, 3.3, 1.5


def png(board: Board) -> bytes:
    """PNG bytes that depend on the board alone."""
    return drawn(lambda: _figure(board))


def drawn(figure_of: Callable[[], Figure]) -> bytes:
    """A figure as PNG bytes that hang on it alone: no hour, no version, nobody's settings."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        figure = figure_of()
        FigureCanvasAgg(figure)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=150, metadata={"Software": None})
    return stream.getvalue()


def _figure(board: Board) -> Figure:
    """One line of panels per budget and task; protocols side by side."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    lines = _lines(board)
    wide = max(len(line) for line in lines)
    rows = [len(_names(line)) for line in lines]
    heights = [count * ROW_INCHES + 0.75 for count in rows]
    figure = Figure(
        figsize=(NAME_INCHES + wide * PANEL_INCHES, sum(heights) + 1.05),
        layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06),
    )
    grid = figure.add_gridspec(len(lines), wide, height_ratios=heights)
    for i, line in enumerate(lines):
        names, limits = _names(line), _limits(line)
        for j, panel in enumerate(line):
            axes = figure.add_subplot(grid[i, j])
            _draw(axes, panel, names, limits)
            axes.tick_params(labelleft=j == 0)
    budgets = ", ".join(board.budgets)
    figure.suptitle(
        f"Mean over seeds and 95 % interval over cases; budget {budgets}\n"
        "dashed: random init, its interval shaded\n"
        f"hollow: {NOT_BETTER}, or collapsed\n"
        f"bold: rank 1 of at least two; {wording.NOTED} the interval has a note",
        x=0.01,
        ha="left",
        fontsize=9,
        color=INK,
    )
    return figure


def _lines(board: Board) -> list[list[Panel]]:
    """Panels by budget and task."""
    lines: dict[tuple[str, str], list[Panel]] = {}
    for panel in board.panels:
        lines.setdefault((panel.budget["name"], panel.task), []).append(panel)
    return list(lines.values())


def _names(line: Sequence[Panel]) -> dict[str, float]:
    """Methods and where they stand, top to bottom; a gap sets the references apart.

    Whoever has stale rows only is left out.
    """
    shown = {row.method for panel in line for row in panel.rows if not row.is_stale}
    methods, references = wording.methods_of(line)
    ours = [name for name in methods if name in shown]
    theirs = [name for name in references if name in shown]
    first = len(ours) + (GAP if ours else 0.0)
    return {
        **{name: float(number) for number, name in enumerate(ours)},
        **{name: first + number for number, name in enumerate(theirs)},
    }


def _limits(line: Sequence[Panel]) -> tuple[float, float]:
    """Left and right end of the axis, equal for all panels of a line."""
    ends = [
        value
        for panel in line
        for row in panel.rows
        if not row.is_stale
        for estimate in [row.estimates[panel.metrics[0]]]
        for value in (estimate.mean, estimate.low, estimate.high)
        if value is not None
    ]
    margin = max(0.02, 0.06 * (max(ends) - min(ends)))
    return min(ends) - margin, max(ends) + margin


def _draw(
    axes: Axes, panel: Panel, names: Mapping[str, float], limits: tuple[float, float]
) -> None:
    metric = panel.metrics[0]
    floor = panel.floor
    if floor is not None:
        chance = floor.estimates[metric]
        axes.axvline(chance.mean, color=REFERENCE, lw=0.9, ls=(0, (4, 3)), zorder=1)
        if chance.low is not None and chance.high is not None:
            axes.axvspan(chance.low, chance.high, color=FAINT, alpha=0.55, lw=0, zorder=0)
    for name, height in names.items():
        row = panel.row(name)
        if row is None:
            axes.text(1.02, height, wording.DASH, transform=axes.get_yaxis_transform(), va="center")
        else:
            _draw_row(axes, panel, row, height)
    axes.set_xlim(*limits)
    axes.set_ylim(max(names.values()) + 0.5, -0.5)
    axes.set_yticks(list(names.values()), [*map(wording.name_of, names)], fontsize=9, color=INK)
    axes.set_title(
        f"{panel.task}\n{panel.protocol} · {wording.metric_label(panel, metric)} · "
        f"{panel.budget['name']}",
        fontsize=9,
        loc="left",
        color=INK,
    )
    axes.tick_params(axis="x", labelsize=8, colors=REFERENCE, length=3)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=FAINT, lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def _draw_row(axes: Axes, panel: Panel, row: Row, height: float) -> None:
    estimate = row.estimates[panel.metrics[0]]
    colour = REFERENCE if row.is_reference else METHOD
    if estimate.low is not None and estimate.high is not None:
        axes.plot(
            [estimate.low, estimate.high],
            [height, height],
            color=colour,
            lw=2.2,
            solid_capstyle="round",
            zorder=2,
        )
    axes.plot(
        [estimate.mean],
        [height],
        marker="D" if row.is_reference else "o",
        ms=6,
        mew=1.5,
        mfc="white" if row.is_doubtful else colour,
        mec=colour if row.is_doubtful else "white",
        zorder=3,
    )
    axes.text(
        1.02,
        height,
        wording.figure(estimate.mean) + wording.note_sign(estimate),
        transform=axes.get_yaxis_transform(),
        va="center",
        fontsize=8.5,
        color=INK,
        fontweight="bold" if panel.leads(row) else "normal",
    )
