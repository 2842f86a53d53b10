"""Writes a board in all its forms, and renews the part of a README that shows it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pixvox_leaderboards import (
    cost_picture,
    efficiency_picture,
    families_page,
    league_picture,
    wording,
)
from pixvox_leaderboards.board import Board
from pixvox_leaderboards.cost import clouds
from pixvox_leaderboards.efficiency import sweeps
from pixvox_leaderboards.families_page import COST, EFFICIENCY, RANKS
from pixvox_leaderboards.html import page
from pixvox_leaderboards.looks import looks
from pixvox_leaderboards.markdown import markdown, summary
from pixvox_leaderboards.picture import png
from pixvox_leaderboards.records import as_csv, as_json
from pixvox_registry.artifacts import publish
from pixvox_registry.errors import UserError

PICTURE = "board.png"
NONE_RELEASED: Mapping[str, str] = MappingProxyType({})


def write(
    board: Board,
    folder: Path,
    released: Mapping[str, str] = NONE_RELEASED,
) -> list[Path]:
    """``board.md``, ``.csv``, ``.json``, ``.png``, ``.html`` and ``families.md``; each whole.

    And ``ranks.png``, ``efficiency.png`` and ``cost.png`` where there are methods ranked over
    tasks, label fractions, and times of pretraining; elsewhere that of yesterday goes.

    Args:
        released: names of published weights by their sha256.
    """
    forms = {**texts(board, released), PICTURE: png(board)}
    for name, content in figures(board).items():
        if content is None:
            (folder / name).unlink(missing_ok=True)
        else:
            forms[name] = content
    for name, content in forms.items():
        publish(folder / name, content)
    return [folder / name for name in forms]


def texts(board: Board, released: Mapping[str, str] = NONE_RELEASED) -> dict[str, bytes]:
    """The forms whose bytes hang on the board alone; a picture's hang on who draws it, too."""
    return {
        "board.md": markdown(board).encode(),
        "board.csv": as_csv(board),
        "board.json": as_json(board),
        "board.html": page(board).encode(),
        "families.md": families_page.page(board, board.efforts, released).encode(),
    }


def figures(board: Board) -> dict[str, bytes | None]:
    """The pictures that not every board has; None where there is nothing to draw."""
    curves, costs = sweeps(board.panels, board.efforts), clouds(board.panels, board.efforts)
    shown = looks(*wording.methods_of(board.panels))
    return {
        RANKS: league_picture.png(board.leagues) if board.leagues else None,
        EFFICIENCY: efficiency_picture.png(curves, shown) if curves else None,
        COST: cost_picture.png(costs, shown) if costs else None,
    }


def renew(readme: Path, board: Board, pictures: Path | None) -> None:
    """Put the summary of a board between the marks ``board`` of a README.

    Args:
        pictures: the folder of ``board.png``, or None for no picture.

    Raises:
        UserError: the file or a mark is missing.
    """
    picture = None
    if pictures is not None:
        picture = Path(os.path.relpath(pictures / PICTURE, readme.parent)).as_posix()
    put(readme, "board", summary(board, picture))


def renew_families(
    readme: Path,
    board: Board,
    folder: Path,
    released: Mapping[str, str] = NONE_RELEASED,
) -> None:
    """Put the chooser and a board for each family between the marks ``families`` of a README.

    Args:
        folder: where ``families.md`` and the pictures lie.

    Raises:
        UserError: the file or a mark is missing.
    """
    seen = Path(os.path.relpath(folder, readme.parent)).as_posix()
    at = "" if seen == "." else f"{seen}/"
    put(readme, "families", families_page.summary(board, board.efforts, released, at))


def put(readme: Path, marks: str, body: str) -> None:
    """Put some Markdown between ``<!-- MARKS:begin -->`` and ``<!-- MARKS:end -->``.

    Raises:
        UserError: the file or a mark is missing.
    """
    opening, closing = (f"<!-- {marks}:{end} -->" for end in ("begin", "end"))
    text = readme.read_text() if readme.is_file() else ""
    before, begin, rest = text.partition(opening)
    _, end, after = rest.partition(closing)
    if not (begin and end):
        raise UserError(
            f"{readme} should hold the lines {opening} and {closing}, in this order; what stands "
            "between them is made from result files. It does not. Add both lines where they belong."
        )
    publish(readme, f"{before}{opening}\n\n{body}\n\n{closing}{after}".encode())
