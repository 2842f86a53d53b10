"""Ranks and marks: what the intervals of a panel allow to be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pixvox_leaderboards.row import NOT_BETTER, WORSE, Row


def ranked(rows: Sequence[Row], metric: str) -> list[Row]:
    """Rows in the order of a board, each with its rank and its marks.

    Methods first, best first; then references; then stale rows. A rank is one more than the number
    of methods whose whole interval is better, so methods whose intervals overlap may share it.
    Without intervals nothing is ranked. What the test against random init tells is a mark.
    """
    comparable = [r for r in rows if not r.is_stale and r.estimates[metric].has_interval]
    contest = [row for row in comparable if not row.is_reference]
    done = [
        replace(
            row,
            rank=_rank(row, contest, metric) if row in contest else None,
            marks=_marks(row),
        )
        for row in rows
    ]
    return sorted(done, key=lambda row: _place(row, metric))


def _rank(row: Row, contest: Sequence[Row], metric: str) -> int:
    mine = row.estimates[metric]
    return 1 + sum(other.estimates[metric].is_clearly_better_than(mine) for other in contest)


def _marks(row: Row) -> tuple[str, ...]:
    found = []
    if row.is_stale:
        found.append("stale")
    if row.is_collapsed:
        found.append("collapsed")
    if row.over_floor is not None and not row.over_floor.is_better:
        found.append(WORSE if row.over_floor.is_worse else NOT_BETTER)
    if not row.is_verified:
        found.append("unverified data")
    return tuple(found)


def _place(row: Row, metric: str) -> tuple[bool, bool, float, str, tuple[str, ...]]:
    """Where a row stands: fully decided, so that the order of files never shows."""
    if row.is_stale:
        return True, False, 0.0, row.method, row.keys
    score = row.estimates[metric]
    best_first = -score.mean if score.higher_is_better else score.mean
    return False, row.is_reference, best_first, row.method, row.keys
