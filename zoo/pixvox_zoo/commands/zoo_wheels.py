"""``pixvox zoo wheels``: the page of a folder of packed weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say


@COMMANDS.register
def zoo_wheels(
    folder: Annotated[Path, typer.Argument(help="Of wheels that `pixvox pack` made.")] = Path(
        "zoo/weights"
    ),
    board: Annotated[
        Path, typer.Option(help="board.json: what random init scores on the same tasks.")
    ] = Path("leaderboards/board.json"),
) -> None:
    """Write README.md beside wheels of weights: what each is, was made of, and scores.

    Example: pixvox zoo wheels dist
    """
    from pixvox_zoo.wheels_page import page

    if not board.is_file():
        say(f"There is no {board}, so no score of random init stands beside those of the weights.")
    out, text = folder / "README.md", page(folder, board if board.is_file() else None)
    if not out.is_file() or out.read_text() != text:
        out.write_text(text)
        say(f"wrote {out}")
