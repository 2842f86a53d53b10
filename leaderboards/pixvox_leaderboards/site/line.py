"""One row of the board as the pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pixvox_leaderboards.board import Board
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row
from pixvox_leaderboards.site.strip import Axis, axis_of


@dataclass(frozen=True)
class Line:
    """A row with the panel that it stands in.

    Args:
        axes: of the panel's strips, by metric.
    """

    panel: Panel
    row: Row
    axes: Mapping[str, Axis]

    @property
    def metric(self) -> str:
        """The one that ranks."""
        return self.panel.metrics[0]

    @property
    def kind(self) -> str:
        """``stale``, ``reference`` or ``method``."""
        return "stale" if self.row.is_stale else "reference" if self.row.is_reference else "method"


def lines_of(board: Board) -> list[Line]:
    """Every row, in the order of the board."""
    found = []
    for panel in board.panels:
        axes = {metric: axis_of(panel, metric) for metric in panel.metrics}
        found += [Line(panel, row, axes) for row in panel.rows]
    return found
