"""``pixvox benchmark``: methods x tasks x protocols x seeds, from pretraining to a board."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pixvox_registry import COMMANDS, ENGINES, UserError
from pixvox_registry.console import say, show_table
from pixvox_registry.errors import RESUME_ME

if TYPE_CHECKING:
    from pixvox_benchmarks.plan import Plan

STOPS = (signal.SIGTERM, signal.SIGUSR1)  # schedulers send either


@COMMANDS.register
def benchmark(
    methods: Annotated[str, typer.Option(help="Recipes, or MAKER:NAME; with commas.")],
    tasks: Annotated[str, typer.Option(help="Tasks, with commas: pixvox list tasks.")],
    protocols: Annotated[str, typer.Option(help="With commas.")] = "knn_probe,linear_probe",
    seeds: Annotated[int, typer.Option(min=1, help="How many, from 0.")] = 3,
    budget: Annotated[str, typer.Option(help="tiny, brief, small, standard, paper.")] = "small",
    engine: Annotated[str, typer.Option(help="Who runs the jobs: pixvox list engines.")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Jobs at a time; they share cores.")] = 1,
    out: Annotated[Path, typer.Option(help="Runs, results, logs and board.")] = Path(
        "runs/benchmark"
    ),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only time and disk.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Pretrain methods on tasks, measure them, and print the board.

    What is published already is not computed again: a killed grid goes on where it stopped.

    Example: pixvox benchmark --methods random_init,simclr --tasks breastmnist --budget tiny
    """
    from pixvox_benchmarks.grid import Grid
    from pixvox_benchmarks.plan import plan

    grid = Grid(
        methods=listed(methods, "methods"),
        tasks=listed(tasks, "tasks"),
        protocols=listed(protocols, "protocols"),
        seeds=seeds,
        budget=budget,
    )
    ENGINES.get(engine)
    with leaving_when_told():
        planned = plan(grid, out)
        if dry_run:
            from pixvox_benchmarks.forecast import forecast

            show_table(forecast(planned), as_json=json)
            return
        failures = complete(planned, engine, workers=workers, quiet=quiet)
        try:
            show_board(planned, json=json)
        finally:  # a board that cannot be drawn hides no failure
            list_failures(failures)
    if failures:
        raise SystemExit(1)


def complete(planned: Plan, engine: str, *, workers: int, quiet: bool) -> dict[str, str]:
    """Compute the cells that are missing; ``{job: error}`` of whatever failed."""
    from pixvox_benchmarks.runner import run

    missing = len(planned.missing())
    say(f"{len(planned.cells)} cells: {len(planned.cells) - missing} finished, {missing} to do.")
    if not missing:
        return {}
    chosen = ENGINES.build(
        engine, workers=workers, logs=planned.out / "logs", preload=imported_by_planning()
    )
    return run(planned, chosen, threads=threads_of(workers), quiet=quiet)


def listed(text: str, option: str) -> tuple[str, ...]:
    """Names between commas, each once.

    Raises:
        UserError: there is none.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise UserError(f"--{option} wants names with commas between them; {text!r} came.")
    return names


def threads_of(workers: int) -> int:
    """Cores for each of so many workers."""
    return max(1, len(os.sched_getaffinity(0)) // workers)


def imported_by_planning() -> tuple[str, ...]:
    """Our modules that are loaded by now: jobs need them too, and what those import is slow."""
    return tuple(sorted(name for name in sys.modules if name.startswith("pixvox_")))


@contextmanager
def leaving_when_told() -> Iterator[None]:
    """SIGTERM and SIGUSR1 leave with 75, by way of whoever has children to stop."""

    def leave(number: int, frame: object) -> NoReturn:
        say("Stopped. The same command goes on where this one stopped.")
        raise SystemExit(RESUME_ME)

    before = {number: signal.signal(number, leave) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def show_board(plan: Plan, *, json: bool) -> None:
    """The board of all results in the folder, if there are any."""
    from pixvox_benchmarks.result import results_below

    if results_below(plan.results):
        COMMANDS.get("board")(plan.results, out=plan.out / "board", json=json)


def list_failures(failures: dict[str, str]) -> None:
    """What failed, why, and where its log is."""
    if failures:
        say(f"{len(failures)} failed:")
    for job, error in failures.items():
        say(f"  {job}: {error}")
