"""``pixvox speed``: ratios of ours to other ways, each measured in one run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from pixvox_registry import COMMANDS, METERS
from pixvox_registry.console import say, show_table
from pixvox_registry.errors import unknown


@COMMANDS.register
def speed(
    recipe: Annotated[str, typer.Argument(help="Whose step is measured.")] = "simclr",
    only: Annotated[str, typer.Option(help="Meters, for example step,views; all by default.")] = "",
    dims: Annotated[int, typer.Option(help="2 for images, 3 for volumes.", min=2, max=3)] = 2,
    seconds: Annotated[float, typer.Option(help="Spent on each side of a ratio.")] = 10.0,
    every: Annotated[bool, typer.Option("--all", help="Every recipe, in 2D and in 3D.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Throughput as ratios: the whole step to the bare one, views and probes to other libraries.

    Example: pixvox speed simclr --only step --dims 3

    Example: pixvox speed --all --seconds 5
    """
    from pixvox_registry.artifacts import canonical_json
    from pixvox_registry.recipes import recipe_files

    if every:
        show_table(list(of_every_recipe(seconds)), as_json=json)
        return
    if recipe not in recipe_files():
        raise unknown("recipe", recipe, recipe_files())
    named = [name for name in only.split(",") if name]
    meters = {name: METERS.get(name) for name in named} or dict(METERS.sound())
    measured = {}
    for name, measure in meters.items():
        say(f"measuring {name} ...")
        measured[name] = measure(recipe, dims, seconds)
        if not json:
            show_table(measured[name])
            print()
    if json:
        ratios = {row["what"]: row["ratio"] for rows in measured.values() for row in rows}
        sys.stdout.write(canonical_json({**ratios, "meters": measured}).decode())


def of_every_recipe(seconds: float) -> Iterator[dict[str, object]]:
    """A row for each recipe and dims that has a step, from a process whose memory is its own."""
    import json

    from pixvox_registry.recipes import recipe_files

    for dims in (2, 3):
        for recipe in recipe_files():
            say(f"measuring {recipe} in {dims}D ...")
            command = ["speed", recipe, "--only=step", f"--dims={dims}", f"--seconds={seconds}"]
            done = subprocess.run(
                [sys.executable, "-m", "pixvox_registry", *command, "--json"],
                capture_output=True,
                text=True,
            )
            row: dict[str, object] = {"recipe": recipe, "dims": dims}
            if done.returncode:
                said = done.stderr.strip().splitlines()
                say(said[-1] if said else f"{recipe} in {dims}D failed without a word")
                continue
            whole, memory, *_ = json.loads(done.stdout)["meters"]["step"]
            yield {
                **row,
                "cases/s": whole["ours"],
                "of bare step": whole["ratio"],
                "peak MB": memory["ours"],
            }
