"""Which methods a site holds against each other, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from pixvox_leaderboards import wording
from pixvox_leaderboards.board import Board
from pixvox_leaderboards.comparison import Comparison, compared, corrected
from pixvox_leaderboards.panel import Panel

LINES = 1000  # at most, over all pairs; each costs 0.02 to 0.1 s where there are 150 to 600 cases


@dataclass(frozen=True)
class Duel:
    """Two methods on every task that they share, as ``pixvox board --compare`` says it."""

    first: str
    second: str
    lines: tuple[tuple[Panel, Comparison], ...]


@dataclass(frozen=True)
class Duels:
    """All pairs that were held against each other.

    Args:
        methods: all pairs of these that share a task are here.
        left_out: methods without a pair, as there were too many.
    """

    found: tuple[Duel, ...]
    methods: tuple[str, ...]
    left_out: tuple[str, ...]


def duels(board: Board, most: int = LINES) -> Duels:
    """All pairs of as many methods as ``most`` lines allow; the best of the board first."""
    methods = contestants(board)
    count, lines = 0, 0
    while count < len(methods):
        newest = methods[count]
        lines += sum(len(_shared(board, one, newest)) for one in methods[:count])
        if lines > most:
            break
        count += 1
    chosen = methods[:count]
    return Duels(_held(board, chosen), tuple(chosen), tuple(methods[count:]))


def contestants(board: Board) -> list[str]:
    """Methods whose score can be had: best mean place first, references last."""
    methods, references = wording.methods_of(board.panels)
    scored = {method for panel in board.panels for method in panel.scores}
    return [m for m in dict.fromkeys([*methods, *references]) if m in scored]


def _held(board: Board, methods: Sequence[str]) -> tuple[Duel, ...]:
    """A panel at a time, for all its pairs swap the same cases; Holm is over each pair's lines."""
    lines: dict[tuple[str, str], list[tuple[Panel, Comparison]]] = {}
    for panel in board.panels:
        here = list(combinations([m for m in methods if m in panel.scores], 2))
        found = compared([(panel.scores[a], panel.scores[b]) for a, b in here])
        for pair, one in zip(here, found, strict=True):
            lines.setdefault(pair, []).append((panel, one))
    return tuple(
        Duel(*pair, _corrected(lines[pair])) for pair in combinations(methods, 2) if pair in lines
    )


def _corrected(
    lines: Sequence[tuple[Panel, Comparison]],
) -> tuple[tuple[Panel, Comparison], ...]:
    holm = corrected([one for _, one in lines])
    return tuple((panel, one) for (panel, _), one in zip(lines, holm, strict=True))


def _shared(board: Board, first: str, second: str) -> list[Panel]:
    return [p for p in board.panels if first in p.scores and second in p.scores]
