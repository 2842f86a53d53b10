"""What commands print: tables and JSON on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress


def say(text: str) -> None:
    """A line for the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


def show_table(rows: Sequence[Mapping[str, Any]], *, as_json: bool = False) -> None:
    """Rows of equal keys as one JSON document or as an aligned table."""
    from tabulate import tabulate

    from pixvox_registry.artifacts import canonical_json

    if as_json:
        sys.stdout.write(canonical_json(list(rows)).decode())
        return
    if not rows:
        print("(nothing)")
        return
    columns = list(rows[0])
    cells = [[_text(row[column]) for column in columns] for row in rows]
    table = tabulate(cells, columns, tablefmt="simple", disable_numparse=True)
    print("\n".join(line.rstrip() for line in table.splitlines()))


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on stderr with time left; silent where ``quiet`` or no terminal is there."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        yield bar


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
