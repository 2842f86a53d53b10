"""``pixvox tasks page``: the table of all tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say


@COMMANDS.register
def tasks_page(
    out: Annotated[Path, typer.Option(help="The page.")] = Path("benchmarks/TASKS.md"),
) -> None:
    """Write the page of the tasks from their cards; no data is read.

    Example: pixvox tasks page --out tasks.md
    """
    from pixvox_benchmarks.tasks_page import page

    text = page()
    if not out.is_file() or out.read_text() != text:
        out.write_text(text)
        say(f"wrote {out}")
