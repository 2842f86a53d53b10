"""The board of what a test has published, and the readings that it was made from."""

from __future__ import annotations

from pathlib import Path

from pixvox_leaderboards.board import Board, build
from pixvox_leaderboards.reading import Reading, read_all


def read(folder: Path) -> tuple[Board, list[Reading]]:
    readings = read_all(folder / "results")
    return build(readings), readings
