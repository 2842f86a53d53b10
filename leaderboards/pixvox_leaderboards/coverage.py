"""Coverage: what a board was measured on, so that nobody takes a gap for a result."""

from __future__ import annotations

from collections.abc import Sequence

from pixvox_leaderboards import wording
from pixvox_leaderboards.panel import Panel

HEADS = ("task", "dims", "budget", "protocols", "methods", "references", "seeds")


def lines(panels: Sequence[Panel]) -> list[list[str]]:
    """A line for each task and budget, or several where protocols differ in who took part; stale
    rows are left out.
    """
    protocols: dict[tuple[str, ...], list[str]] = {}
    for panel in panels:
        rows = [row for row in panel.rows if not row.is_stale]
        if not rows:
            continue
        references = sum(row.is_reference for row in rows)
        alike = (
            panel.task,
            f"{panel.budget['dims']}D",
            f"`{panel.budget['name']}`",
            str(len(rows) - references),
            str(references),
            wording.seeds_text([panel]),
        )
        protocols.setdefault(alike, []).append(panel.protocol)
    return [
        [*alike[:3], ", ".join(found), *alike[3:]] for alike, found in sorted(protocols.items())
    ]
