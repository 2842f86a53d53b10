"""How a board words what was shown of the test cases, and what splits share."""

from __future__ import annotations

from collections.abc import Mapping

from pixvox_leaderboards.board import Board
from pixvox_leaderboards.exposure import SEEN, UNKNOWN
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row

SIGNS = {SEEN: "s", UNKNOWN: "?"}  # unseen needs none
LEGEND = (
    "(s) seen: pretraining was shown test cases; the first number counts exact copies, the second "
    "copies in another size or lightly changed. (?) unknown: nobody declared what pretraining was "
    "shown, which does not say that it was none. At the head of a column it is said of all rows.",
)
ONE_OF = {"train": "a training case", "val": "a validation case", "test": "a test case"}
SOME_OF = {"train": "training cases", "val": "validation cases", "test": "test cases"}


def sign(panel: Panel, row: Row) -> str:
    """``(s)`` or ``(?)`` in narrow tables, unless the head of the column says it for all."""
    short = SIGNS.get(row.exposure.state)
    return f"({short})" if short and panel.exposure is None else ""


def notes(panel: Panel) -> list[str]:
    """For the head of a column: what all rows have in common."""
    return [SIGNS[panel.exposure]] if panel.exposure in SIGNS else []


def cell(row: Row) -> str:
    """``unseen``, ``unknown``, or ``1 + 39 of 156``: exact and near copies."""
    told = row.exposure
    return told.state if told.state != SEEN else f"{told.exact} + {told.near} of {told.cases}"


def duplicates_told(board: Board) -> list[str]:
    """A sentence for each two splits of a task that share cases; nothing where none do."""
    tasks = {panel.task: panel.duplicates for panel in board.panels if panel.duplicates}
    return [
        f"{task}: {_shared(pair, counts)}."
        for task, pairs in sorted(tasks.items())
        for pair, counts in sorted(pairs.items())
        if any(counts.values())
    ]


def _shared(pair: str, counts: Mapping[str, int]) -> str:
    earlier, _, later = pair.partition("-")
    parts = []
    for kind, word in (("exact", "also"), ("near", "nearly")):
        if count := counts.get(kind, 0):
            noun, verb = _counted(count, later)
            parts.append(f"{noun} {verb} {word} {ONE_OF[earlier]}")
    return ", ".join(parts)


def _counted(count: int, split: str) -> tuple[str, str]:
    """``1 test case``, ``is``; ``2 test cases``, ``are each``."""
    if count == 1:
        return ONE_OF[split].replace("a ", "1 ", 1), "is"
    return f"{count:,} {SOME_OF[split]}", "are each"
