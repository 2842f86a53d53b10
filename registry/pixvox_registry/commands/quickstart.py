"""``pixvox quickstart``: from nothing to a board, with no download, in under three minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say


@COMMANDS.register
def quickstart(
    out: Annotated[Path, typer.Option(help="Where results and board go.")] = Path(
        "runs/quickstart"
    ),
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Make phantoms in 2D and 3D, pretrain SimCLR and Barlow Twins, compare them with random init.

    Example: pixvox quickstart
    """
    COMMANDS.get("benchmark")(
        methods="random_init,simclr,barlow_twins",
        tasks="phantom_texture_2d,phantom_texture_3d",
        protocols="knn_probe,linear_probe",
        seeds=1,
        budget="tiny",
        workers=2,  # threads of one job would wait for each other wherever cores are shared
        out=out,
        quiet=quiet,
    )
    board = out / "board"
    say(f"The same as a page: {board / 'board.html'}; as a picture: {board / 'board.png'}.")
