"""``pixvox board``: result files to Markdown, CSV, JSON, a picture and a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say, show_table


@COMMANDS.register
def board(
    results: Annotated[Path, typer.Argument(help="Folder of result files.")] = Path(
        "leaderboards/results"
    ),
    out: Annotated[
        Path | None, typer.Option(help="Also write board.md, .csv, .json, .png and .html here.")
    ] = None,
    readme: Annotated[
        Path | None, typer.Option(help="Renew what stands between board:begin and board:end.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compute every score again; exit 1 on a difference.")
    ] = False,
    renew: Annotated[
        bool,
        typer.Option("--renew", help="Find intervals anew by today's rule; scores stay."),
    ] = False,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Only compare two methods, on every task they share."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Print the board of a folder of results. The same files give the same bytes.

    Example: pixvox board runs/benchmark/results --out runs/benchmark/board
    """
    if verify:
        report_faults(results, json=json)
        return
    if renew:
        renew_intervals(results)
        return
    from pixvox_leaderboards import outputs
    from pixvox_leaderboards.board import board_of
    from pixvox_leaderboards.markdown import markdown
    from pixvox_leaderboards.pairwise import pairwise
    from pixvox_leaderboards.records import as_json

    made = board_of(results)
    if compare is not None:
        show_table(pairwise(made, *compare), as_json=json)
        return
    if out is not None:
        for file in outputs.write(made, out):
            say(f"wrote {file}")
    if readme is not None:
        outputs.renew(readme, made, out)
    sys.stdout.write(as_json(made).decode() if json else markdown(made))


def renew_intervals(results: Path) -> None:
    """Write every result anew whose intervals differ, and say how many did."""
    from pixvox_leaderboards.reading import files_of
    from pixvox_leaderboards.renewal import renew

    files = files_of(results)
    changed = [file for file in files if renew(file)]
    say(f"{len(files)} results read, the intervals of {len(changed)} found anew.")


def report_faults(results: Path, *, json: bool) -> None:
    """Check every file and leave with 1 if one is at fault."""
    from pixvox_leaderboards.reading import files_of
    from pixvox_leaderboards.verify import examine, faults_of_gaps
    from pixvox_registry.artifacts import canonical_json

    files = files_of(results)
    findings = [examine(file) for file in files]
    faults = [finding.fault for finding in findings if finding.fault]
    faults += faults_of_gaps(results)
    unchecked = [metric for finding in findings for metric in finding.unchecked]
    if json:
        counts = {"files": len(files), "faults": faults, "unchecked": unchecked}
        sys.stdout.write(canonical_json(counts).decode())
    for sentence in (*faults, *unchecked):
        say(sentence)
    say(
        f"{len(files)} results checked, {len(faults)} at fault, {len(unchecked)} metrics unchecked."
    )
    if faults:
        raise SystemExit(1)
