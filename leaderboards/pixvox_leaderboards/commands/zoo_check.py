"""``pixvox zoo check``: every recipe, briefly, on real images and volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say, show_table


@COMMANDS.register
def zoo_check(
    recipes: Annotated[str, typer.Option(help="With commas; all by default.")] = "",
    tasks: Annotated[str, typer.Option(help="With commas.")] = (
        "pneumoniamnist_reconstructed,adrenalmnist3d"
    ),
    protocols: Annotated[
        str, typer.Option(help="The first one orders.")
    ] = "knn_probe,linear_probe",
    seeds: Annotated[int, typer.Option(min=1, help="How many, from 0.")] = 3,
    budget: Annotated[str, typer.Option(help="What every recipe may spend.")] = "brief",
    out: Annotated[Path, typer.Option(help="Runs, results and check.json.")] = Path("runs/zoo"),
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Pretrain every recipe on the train split, measure it, and say which learnt something.

    Finished runs are kept: a check that was stopped goes on where it stopped.

    Example: pixvox zoo check --recipes simclr,mae --seeds 1
    """
    from pixvox_benchmarks.commands.benchmark import (
        complete,
        leaving_when_told,
        list_failures,
        listed,
    )
    from pixvox_benchmarks.grid import Grid
    from pixvox_benchmarks.plan import plan
    from pixvox_leaderboards.board import build
    from pixvox_leaderboards.gate import as_json, records
    from pixvox_leaderboards.reading import read_all
    from pixvox_registry.recipes import recipe_files

    grid = Grid(
        methods=listed(recipes, "recipes") if recipes else tuple(recipe_files()),
        tasks=listed(tasks, "tasks"),
        protocols=listed(protocols, "protocols"),
        seeds=seeds,
        budget=budget,
    )
    with leaving_when_told():
        failures = complete(plan(grid, out), "local", workers=1, quiet=quiet)
    readings = read_all(out / "results")
    (out / "check.json").write_bytes(as_json(readings))
    say(f"wrote {out / 'check.json'}")
    show_table([flat(record) for record in records(build(readings), readings)], as_json=json)
    if failures:
        list_failures(failures)
        raise SystemExit(1)


def flat(record: dict[str, object]) -> dict[str, object]:
    """A record as a line of a table: each protocol's mean, interval and standing."""
    scores = record["scores"]
    assert isinstance(scores, dict)
    line = {name: record[name] for name in ("recipe", "task")}
    for protocol, found in scores.items():
        line[protocol] = found and f"{found['mean']:.3f} [{found['low']}, {found['high']}]"
        line[f"above {protocol}"] = found and found["above"]
    rest = ("embedding_std", "rankme", "occupancy", "images_per_second", "peak_memory_mb")
    return {**line, **{name: record[name] for name in rest}, "collapsed": record["collapsed"]}
