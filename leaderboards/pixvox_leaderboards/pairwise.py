"""Two methods side by side on every task that they share: ``pixvox board --compare``."""

from __future__ import annotations

from typing import Any

from pixvox_leaderboards.board import Board
from pixvox_leaderboards.comparison import compared, corrected
from pixvox_leaderboards.wording import name_of
from pixvox_registry.errors import UserError, unknown


def pairwise(board: Board, first: str, second: str) -> list[dict[str, Any]]:
    """A line per budget, task and protocol: the first less the second by the ranking metric.

    The family that Holm corrects for is these lines.

    Raises:
        UserError: a name is no row of today, or is that of several, both are one method, or
            they share no task.
    """
    first, second = (_method(board, name) for name in (first, second))
    if first == second:
        raise UserError(
            f"A comparison wanted two methods; {name_of(first)} came twice. Name two of one table "
            "of the board."
        )
    shared = [p for p in board.panels if first in p.scores and second in p.scores]
    if not shared:
        raise UserError(
            f"A comparison wanted two methods on one task, protocol and budget; {first} and "
            f"{second} have none in common. Measure both, or name two of one table of the board."
        )
    family = corrected(
        [one for p in shared for one in compared([(p.scores[first], p.scores[second])])]
    )
    return [
        {
            "budget": panel.budget["name"],
            "task": panel.task,
            "protocol": panel.protocol,
            "metric": panel.metrics[0],
            "higher_is_better": one.higher_is_better,
            "difference": one.difference,
            "low": one.low,
            "high": one.high,
            "p": one.p,
            "p_holm": one.holm,
            "n": one.cases,
            "note": one.note,
        }
        for panel, one in zip(shared, family, strict=True)
    ]


def _method(board: Board, name: str) -> str:
    """The method that bears a name, in full or as boards show it."""
    known = sorted({method for panel in board.panels for method in panel.scores})
    found = [name] if name in known else [m for m in known if name_of(m) == name]
    if not found:
        raise unknown("method on this board", name, {name_of(method) for method in known})
    if len(found) > 1:
        raise UserError(
            f"One method was wanted; {name!r} is the short name of {', '.join(found)}. "
            "Give one of these in full."
        )
    return found[0]
