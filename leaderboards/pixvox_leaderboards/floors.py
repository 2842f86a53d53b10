"""Every row of a board against random init of its own backbone: one family, corrected by Holm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pixvox_leaderboards.comparison import compared, corrected
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row, floor_of


def against_floors(panels: Sequence[Panel]) -> list[Panel]:
    """The same panels; rows of today that have a floor now have their comparison with it.

    The family is all that is compared under one budget, over tasks and protocols: whoever picks
    the best line of a board has looked at all of them.
    """
    pairs = [_with_floors(panel) for panel in panels]
    family = iter(
        corrected(
            [
                one
                for panel, rows in zip(panels, pairs, strict=True)
                for one in compared(
                    [(panel.scores[row.method], panel.scores[floor.method]) for row, floor in rows]
                )
            ]
        )
    )
    found = [{id(row): next(family) for row, _ in rows} for rows in pairs]
    return [
        replace(
            panel,
            rows=tuple(replace(row, over_floor=tested.get(id(row))) for row in panel.rows),
        )
        for panel, tested in zip(panels, found, strict=True)
    ]


def _with_floors(panel: Panel) -> list[tuple[Row, Row]]:
    """Rows of today whose score can be had here, each with its floor."""
    rows = [row for row in panel.rows if not row.is_stale and row.method in panel.scores]
    found = [(row, floor_of(row, rows)) for row in rows]
    return [(row, floor) for row, floor in found if floor is not None and floor is not row]
