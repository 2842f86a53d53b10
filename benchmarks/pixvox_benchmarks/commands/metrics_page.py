"""``pixvox metrics page``: the table of all metrics, where a page says how they score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say


@COMMANDS.register
def metrics_page(
    out: Annotated[
        Path, typer.Option(help="The page, with the two marks of the table in it.")
    ] = Path("benchmarks/README.md"),
) -> None:
    """Renew the table of metrics between its marks; what stands around it stays.

    Example: pixvox metrics page --out benchmarks/README.md
    """
    from pixvox_benchmarks.conventions import renewed
    from pixvox_registry.errors import UserError

    if not out.is_file():
        raise UserError(f"A page with a table of metrics was looked for at {out}; none is there.")
    page = out.read_text(encoding="utf-8")
    today = renewed(page)
    if today != page:
        out.write_text(today, encoding="utf-8")
        say(f"wrote {out}")
