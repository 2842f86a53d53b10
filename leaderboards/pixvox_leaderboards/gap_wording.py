"""How a board words its gaps: tasks without data, and protocols that do not apply."""

from __future__ import annotations

from pixvox_leaderboards.board import Board


def told(board: Board) -> list[str]:
    """``no data: chestmnist (it was looked for at ...)``, a sentence for each gap."""
    return [
        f"{gap.state}: {gap.task}{protocol} ({gap.why.rstrip('.')})."
        for gap in board.gaps
        for protocol in [f" · {gap.protocol}" if gap.protocol else ""]
    ]
