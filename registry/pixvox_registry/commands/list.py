"""``pixvox list``: every plugin by kind, recipes and weights, without importing torch."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Annotated

import typer

from pixvox_registry import COMMANDS, KINDS, BrokenPlugin
from pixvox_registry.console import show_table
from pixvox_registry.errors import unknown
from pixvox_registry.places import WEIGHTS
from pixvox_registry.recipes import recipe_files

BESIDE = ("recipes", "weights")  # what is no plugin, and is listed beside them


@COMMANDS.register
def list_plugins(
    kind: Annotated[str, typer.Argument(help="losses, tasks, recipes, weights, ...")] = "",
    check: Annotated[bool, typer.Option(help="Import each one and show what is broken.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Names of all plugins, recipes and installed weights.

    Example: pixvox list losses
    """
    if kind and kind not in {*KINDS, *BESIDE}:
        raise unknown("kind", kind, [*KINDS, *BESIDE])
    rows = [
        {"kind": group, "name": name, "from": registry.guests().get(name, "pixvox")}
        | ({"state": _state(registry.get, name)} if check else {})
        for group, registry in KINDS.items()
        if kind in ("", group)
        for name in registry
    ]
    if kind in ("", "recipes"):
        recipes = recipe_files()
        rows += [
            {"kind": "recipes", "name": name, "from": " and ".join(recipes.owners(name))}
            | ({"state": _state(recipes.__getitem__, name)} if check else {})
            for name in recipes
        ]
    if kind in ("", "weights"):
        rows += [
            {"kind": "weights", "name": point.name, "from": point.dist.name if point.dist else "?"}
            | ({"state": "see pixvox weights --verify"} if check else {})
            for point in sorted(entry_points(group=WEIGHTS))
        ]
    show_table(rows, as_json=json)


def _state(look_up: Callable[[str], object], name: str) -> str:
    try:
        look_up(name)
    except BrokenPlugin as error:
        return f"broken: {error}"
    return "ok"
