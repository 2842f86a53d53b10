"""``pixvox benchmark``: methods x tasks x protocols x seeds, from pretraining to a board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pixvox_benchmarks.launch import (
    build_engine,
    complete,
    leaving_when_told,
    list_failures,
    listed,
)
from pixvox_registry import COMMANDS
from pixvox_registry.console import show_table

if TYPE_CHECKING:
    from pixvox_benchmarks.plan import Plan


@COMMANDS.register
def benchmark(
    methods: Annotated[str, typer.Option(help="Recipes, or MAKER:NAME; with commas.")],
    tasks: Annotated[
        str,
        typer.Option(help="With commas: pixvox list tasks; breastmnist:64 is another size."),
    ],
    protocols: Annotated[str, typer.Option(help="With commas.")] = "knn_probe,linear_probe",
    seeds: Annotated[int, typer.Option(min=1, help="How many, from 0.")] = 3,
    budget: Annotated[str, typer.Option(help="tiny, brief, small, standard, paper.")] = "small",
    engine: Annotated[
        str,
        typer.Option(
            help="local, ray or slurm, with settings: slurm:partition=gpu,minutes=600. "
            "pixvox describe engines NAME tells them."
        ),
    ] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Jobs at a time; they share cores.")] = 1,
    out: Annotated[Path, typer.Option(help="Runs, results, logs and board.")] = Path(
        "runs/benchmark"
    ),
    predictions: Annotated[
        bool,
        typer.Option(
            "--predictions",
            help="Keep what cells outline in OUT/predictions: NIfTI on the voxels of the original.",
        ),
    ] = False,
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
    build_engine(engine, workers=workers, logs=out / "logs")  # refused before data is read
    with leaving_when_told():
        planned = plan(grid, out)
        if dry_run:
            from pixvox_benchmarks.forecast import forecast

            show_table(forecast(planned), as_json=json)
            return
        if predictions:
            planned = replace(planned, predictions=out / "predictions")
        failures = complete(planned, engine, workers=workers, quiet=quiet)
        try:
            show_board(planned, json=json)
        finally:  # a board that cannot be drawn hides no failure
            list_failures(failures)
    if failures:
        raise SystemExit(1)


def show_board(plan: Plan, *, json: bool) -> None:
    """The board of all results in the folder, if there are any."""
    from pixvox_benchmarks.result import results_below

    if results_below(plan.results):
        COMMANDS.get("board")(plan.results, out=plan.out / "board", json=json)
