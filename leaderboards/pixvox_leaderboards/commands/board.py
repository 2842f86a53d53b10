"""``pixvox board``: result files to Markdown, CSV, JSON, a picture, a page and a site."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say, show_table
from pixvox_registry.errors import UserError

if TYPE_CHECKING:
    from pixvox_leaderboards.board import Board


@COMMANDS.register
def board(
    results: Annotated[Path, typer.Argument(help="Folder of result files.")] = Path(
        "leaderboards/results"
    ),
    out: Annotated[
        Path | None,
        typer.Option(help="Also write families.md, board.md, .csv, .json, .png, .html here."),
    ] = None,
    site: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write the pages of a site here.")
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Then show the site on 127.0.0.1 until Ctrl-C.")
    ] = False,
    readme: Annotated[
        Path | None, typer.Option(help="Renew what stands between board:begin and board:end.")
    ] = None,
    families: Annotated[
        Path | None, typer.Option(help="Renew what stands between families:begin and :end.")
    ] = None,
    wheels: Annotated[
        Path | None, typer.Option(help="Folder of packed weights, which the chooser then names.")
    ] = None,
    add: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="First take in a result from elsewhere, if it is sound."),
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

    Example: pixvox board runs/benchmark/results --site runs/benchmark/site --serve
    """
    if serve and site is None:
        raise UserError(
            "--serve shows the pages that --site writes; no --site was given. Name a folder for "
            "them: `pixvox board RESULTS --site DIR --serve`."
        )
    if add is not None:
        take_in(add, results)
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
    from pixvox_leaderboards.released import released

    made = board_of(results)
    if compare is not None:
        show_table(pairwise(made, *compare), as_json=json)
        return
    names = {} if wheels is None else released(wheels)
    if out is not None:
        for file in outputs.write(made, out, names):
            say(f"wrote {file}")
    if readme is not None:
        outputs.renew(readme, made, out)
    if families is not None:
        outputs.renew_families(families, made, out or families.parent, names)
    sys.stdout.write(as_json(made).decode() if json else markdown(made))
    if site is not None:
        publish_site(made, results, site)
        if serve:
            from pixvox_leaderboards.site.serving import serve as serve_folder

            sys.stdout.flush()
            serve_folder(site, say)


def publish_site(made: Board, results: Path, folder: Path) -> None:
    """Write the pages of a board, and say where the first one lies."""
    from pixvox_leaderboards.reading import read_all
    from pixvox_leaderboards.site.pages import RESULTS, site_of
    from pixvox_leaderboards.site.publishing import older_site, write

    older_site(folder)  # before a minute of work
    say("holding pairs of methods against each other, which may take a minute")
    files = write(site_of(made, read_all(results), RESULTS), folder)
    say(f"wrote {folder / 'index.html'} and {len(files) - 1} files beside it")


def take_in(given: Path, results: Path) -> None:
    """Copy a sound result, or all of a folder, to the others; say what is new."""
    from pixvox_leaderboards.adding import add

    new = add(given, results)
    for file in new:
        say(f"took in {file}")
    if not new:
        say(f"{given} is there already")


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
