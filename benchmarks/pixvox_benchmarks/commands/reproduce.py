"""``pixvox reproduce``: a number on a board, computed anew."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixvox_benchmarks.launch import build_engine, leaving_when_told, list_failures
from pixvox_registry import COMMANDS
from pixvox_registry.console import say, show_table

if TYPE_CHECKING:
    from pixvox_benchmarks.replay import Change, Verdict


@COMMANDS.register
def reproduce(
    row: Annotated[str, typer.Argument(help="A result file, or the first digits of its key.")],
    results: Annotated[Path, typer.Option(help="Where keys are looked for.")] = Path(
        "leaderboards/results"
    ),
    tolerance: Annotated[
        float, typer.Option(min=0, help="A score may differ by so much and be the same.")
    ] = 1e-3,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the replay; in runs/reproduce by default."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only what would be run, and what has changed.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Pretrain and measure a published cell again, with as many threads, and compare.

    Says ``same`` and leaves with 0, or shows the difference and leaves with 1. A replay that was
    killed goes on where it stopped.

    Example: pixvox reproduce 1a2b3c4d5e6f

    Example: pixvox reproduce leaderboards/results/breastmnist/knn_probe/simclr-small-s0-1a2b3c.json
    """
    from pixvox_benchmarks import replay
    from pixvox_benchmarks.result import Result
    from pixvox_benchmarks.runner import run

    file = replay.file_of(row, results)
    published = Result.read(file)
    cases = published.read_cases(file)
    place = out or replay.place_of(published)
    with leaving_when_told():
        planned = replay.planned(published, place)
        asked = replay.changes_asked(published, planned)
        around = replay.changes_around(published)
        say(f"{file}, seed {published.seed}: {published.provenance.get('command', '')}")
        report(asked, "is asked otherwise today, so other numbers are due")
        report(around, "is not as it was then")
        if dry_run:
            show(None, asked, around, json=json)
            return
        if not planned.missing():
            say(f"It was replayed before, in {place}; name another --out to do so again.")
        engine = build_engine("local", workers=1, logs=place / "logs")
        failures = run(planned, engine, threads=replay.threads_of(published), quiet=quiet)
    list_failures(failures)
    if failures:
        raise SystemExit(1)
    (cell,) = planned.cells
    again = Result.read(cell.results / cell.path)
    found = replay.verdict(
        published, cases, again, again.read_cases(cell.results / cell.path), tolerance
    )
    show(found, asked, around, json=json)
    if not found.is_same:
        raise SystemExit(1)


def report(changes: list[Change], what: str) -> None:
    """A line for each change."""
    for name, was, now in changes:
        say(f"{name} {what}: {was} -> {now}")


def show(found: Verdict | None, asked: list[Change], around: list[Change], *, json: bool) -> None:
    """The scores then and now, and the verdict; as JSON with all that has changed."""
    rows: list[dict[str, Any]] = [
        {"metric": name, "published": was, "replayed": now, "difference": now - was}
        for name, (was, now) in (found.scores if found else {}).items()
    ]
    if not json:
        if found:
            show_table(rows)
            say(found.told)
        return
    from pixvox_registry.artifacts import canonical_json

    document = {
        "verdict": found and found.told,
        "same": found and found.is_same,
        "identical": found and found.is_identical,
        "cases": found and found.cases,
        "scores": rows,
        "asked_otherwise": asked,
        "otherwise_around": around,
    }
    sys.stdout.write(canonical_json(document).decode())
