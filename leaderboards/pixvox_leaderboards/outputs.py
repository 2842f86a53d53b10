"""Writes a board in all its forms, and renews the part of a README that shows it."""

from __future__ import annotations

import os
from pathlib import Path

from pixvox_leaderboards import league_picture
from pixvox_leaderboards.board import Board
from pixvox_leaderboards.html import page
from pixvox_leaderboards.markdown import markdown, summary
from pixvox_leaderboards.picture import png
from pixvox_leaderboards.records import as_csv, as_json
from pixvox_registry.artifacts import publish
from pixvox_registry.errors import UserError

PICTURE, RANKS = "board.png", "ranks.png"
BEGIN, END = "<!-- board:begin -->", "<!-- board:end -->"


def write(board: Board, folder: Path) -> list[Path]:
    """``board.md``, ``.csv``, ``.json``, ``.png`` and ``.html``; each whole or not at all.

    And ``ranks.png`` where methods are ranked over tasks; elsewhere that of yesterday goes.
    """
    forms = {**texts(board), PICTURE: png(board)}
    if board.leagues:
        forms[RANKS] = league_picture.png(board.leagues)
    else:
        (folder / RANKS).unlink(missing_ok=True)
    for name, content in forms.items():
        publish(folder / name, content)
    return [folder / name for name in forms]


def texts(board: Board) -> dict[str, bytes]:
    """The forms whose bytes hang on the board alone; a picture's hang on who draws it, too."""
    return {
        "board.md": markdown(board).encode(),
        "board.csv": as_csv(board),
        "board.json": as_json(board),
        "board.html": page(board).encode(),
    }


def renew(readme: Path, board: Board, pictures: Path | None) -> None:
    """Put the summary of a board between the two marks of a README.

    Args:
        pictures: the folder of ``board.png``, or None for no picture.

    Raises:
        UserError: the file or a mark is missing.
    """
    text = readme.read_text() if readme.is_file() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(
            f"{readme} should hold the lines {BEGIN} and {END}, in this order, with the board "
            "between them; it does not. Add both lines where the board belongs."
        )
    picture = None
    if pictures is not None:
        picture = Path(os.path.relpath(pictures / PICTURE, readme.parent)).as_posix()
    body = summary(board, picture)
    publish(readme, f"{before}{BEGIN}\n\n{body}\n\n{END}{after}".encode())
