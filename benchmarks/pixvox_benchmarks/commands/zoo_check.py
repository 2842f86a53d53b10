"""``pixvox zoo check``: every recipe, briefly, on real images and volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_benchmarks.launch import complete, leaving_when_told, list_failures, listed
from pixvox_registry import COMMANDS
from pixvox_registry.console import say
from pixvox_registry.errors import UserError

GATE = ("pneumoniamnist_reconstructed", "adrenalmnist3d", "hippocampus_volume")


@COMMANDS.register
def zoo_check(
    recipes: Annotated[str, typer.Option(help="With commas; all by default.")] = "",
    tasks: Annotated[
        str, typer.Option(help=f"With commas; by default those of {', '.join(GATE)} that are here.")
    ] = "",
    protocols: Annotated[str, typer.Option(help="With commas.")] = "knn_probe,linear_probe",
    seeds: Annotated[int, typer.Option(min=1, help="How many, from 0.")] = 3,
    budget: Annotated[str, typer.Option(help="What every recipe may spend.")] = "brief",
    workers: Annotated[int, typer.Option(min=1, help="Jobs at a time; they share cores.")] = 1,
    out: Annotated[Path, typer.Option(help="Runs, results and check.json.")] = Path("runs/zoo"),
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Pretrain every recipe on the train split, measure it, and say which learnt something.

    Finished runs are kept: a check that was stopped goes on where it stopped. What lies in the
    folder from before is told as well.

    Example: pixvox zoo check --recipes simclr,mae --seeds 1
    """
    from pixvox_benchmarks.grid import Grid
    from pixvox_benchmarks.plan import plan
    from pixvox_registry.recipes import recipe_files

    grid = Grid(
        methods=listed(recipes, "recipes") if recipes else tuple(recipe_files()),
        tasks=listed(tasks, "tasks") if tasks else those_here(),
        protocols=listed(protocols, "protocols"),
        seeds=seeds,
        budget=budget,
    )
    with leaving_when_told():
        fitting = plan(grid, out, lenient=not recipes)
        failures = complete(fitting, "local", workers=workers, quiet=quiet)
    try:
        COMMANDS.get("zoo_gate")(out / "results", out=out / "check.json", json=json)
    finally:  # a table that cannot be made hides no failure
        list_failures(failures)
    if failures:
        raise SystemExit(1)


def those_here() -> tuple[str, ...]:
    """The gate's tasks whose data is found, with a word on each of the others.

    Raises:
        UserError: no data is found.
    """
    from pixvox_benchmarks.task_line import task_of

    here = []
    for name in GATE:
        try:
            task_of(name).cases("train")
            here.append(name)
        except UserError as error:
            say(f"{name} is left out: {error}")
    if not here:
        raise UserError(f"The gate wants data of one task at least: {', '.join(GATE)}.")
    return tuple(here)
