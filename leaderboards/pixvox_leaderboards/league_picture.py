"""Leagues as critical-difference diagrams (Demšar, JMLR 7, 2006, figure 1)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pixvox_leaderboards import league_wording
from pixvox_leaderboards.league import League, Standing
from pixvox_leaderboards.picture import INK, METHOD, REFERENCE, drawn
from pixvox_leaderboards.wording import name_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, LINE_INCHES, MARGIN_INCHES, TITLE_INCHES = 9.0, 0.24, 0.2, 0.16
LETTERS = 110  # of a line of the title
CROWDED = 15  # methods; with more, one rank in five bears its number
CLIQUE = 0.55  # lines between the axis and the first stem, for each clique


def png(leagues: Sequence[League]) -> bytes:
    """PNG bytes that depend on the leagues alone; one diagram below the other."""
    return drawn(lambda: _figure(leagues))


def _figure(leagues: Sequence[League]) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    heights = [_inches(league) for league in leagues]
    figure = Figure(figsize=(WIDE, sum(heights)), layout=ConstrainedLayoutEngine(h_pad=0.08))
    grid = figure.add_gridspec(len(leagues), 1, height_ratios=heights)
    for number, league in enumerate(leagues):
        _draw(figure.add_subplot(grid[number, 0]), league)
    return figure


def _inches(league: League) -> float:
    title = TITLE_INCHES * len(_title(league))
    return title + (_above(league) + _below(league)) * LINE_INCHES + MARGIN_INCHES


def _title(league: League) -> list[str]:
    """Lines: what was ranked over which tasks, and how to read it."""
    over = f"{league_wording.title(league)} · {league.budget} · {', '.join(league.tasks)}"
    read = (
        "bars join whom the tasks do not tell apart" if league.is_told else "nobody is told apart"
    )
    if league.critical_difference is None:
        read += ": so few tasks have no critical difference"
    return [*textwrap.wrap(over, LETTERS, break_long_words=False), read]


def _above(league: League) -> float:
    """Lines above the axis: its figures, and the critical difference."""
    return 2.6 if league.critical_difference is not None else 1.2


def _below(league: League) -> float:
    """Lines below the axis: cliques and names."""
    return CLIQUE * len(league.cliques) + (len(league.standings) + 1) // 2 + 1


def _draw(axes: Axes, league: League) -> None:
    methods = len(league.standings)
    axes.plot([1, methods], [0, 0], color=INK, lw=1)
    for rank in range(1, methods + 1):
        axes.plot([rank, rank], [0, -0.2], color=INK, lw=1)
        if methods <= CROWDED or rank == 1 or rank % 5 == 0:
            axes.text(rank, -0.35, str(rank), ha="center", va="bottom", fontsize=8, color=INK)
    ends = [standing.mean_rank for standing in league.standings]
    for number, (first, last) in enumerate(league.cliques):
        height = CLIQUE * (number + 0.8)
        axes.plot([ends[first], ends[last]], [height, height], color=INK, lw=3.5)
    _stems(axes, league)
    difference = league.critical_difference
    if difference is not None:
        axes.plot([1, 1 + difference], [-1.6, -1.6], color=INK, lw=1, marker="|", ms=6)
        axes.text(
            1 + difference / 2, -1.7, f"CD {difference:.2f}", ha="center", va="bottom", fontsize=8
        )
    axes.set_title("\n".join(_title(league)), fontsize=9, loc="left", color=INK)
    side = 0.75 * (methods - 1)
    axes.set_xlim(1 - side, methods + side)
    axes.set_ylim(_below(league), -_above(league))
    axes.set_axis_off()


def _stems(axes: Axes, league: League) -> None:
    """The better half named on the left, the other on the right; the ends stand highest."""
    methods = len(league.standings)
    half = (methods + 1) // 2
    below = CLIQUE * len(league.cliques) + 0.8
    for number, standing in enumerate(league.standings[:half]):
        _stem(axes, standing, below + number, 0.9, "right")
    for number, standing in enumerate(reversed(league.standings[half:])):
        _stem(axes, standing, below + number, methods + 0.1, "left")


def _stem(axes: Axes, standing: Standing, height: float, end: float, side: str) -> None:
    colour = REFERENCE if standing.is_reference else METHOD
    axes.plot(
        [standing.mean_rank, standing.mean_rank, end], [0, height, height], color=colour, lw=1
    )
    axes.text(
        end,
        height,
        f" {name_of(standing.method)} {standing.mean_rank:.2f} ",
        ha=side,
        va="center",
        fontsize=8.5,
        color=INK,
    )
