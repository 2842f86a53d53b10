"""``pixvox doctor``: is this machine fit, and if not, what is to be done?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from typing import Annotated, Any

import typer

from pixvox_registry import COMMANDS, KINDS, BrokenPlugin
from pixvox_registry.console import show_table
from pixvox_registry.recipes import recipe_files


@COMMANDS.register
def doctor(
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Python, libraries, devices, plugins and data; exit code 1 if something is broken.

    Example: pixvox doctor
    """
    rows = [_python(), *_libraries(), _device(), *_plugins(), *_places()]
    show_table(rows, as_json=json)
    if any(row["state"] == "broken" for row in rows):
        raise typer.Exit(1)


def _row(what: str, state: str, note: str) -> dict[str, Any]:
    return {"what": what, "state": state, "note": note}


def _python() -> dict[str, Any]:
    return _row("python", "ok", ".".join(map(str, sys.version_info[:3])))


def _libraries() -> list[dict[str, Any]]:
    """Every dependency against the range that the project declares."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    rows = []
    for text in requires("pixvox") or []:
        requirement = Requirement(text)
        if requirement.marker is not None:
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            rows.append(_row(requirement.name, "broken", f"missing: pip install '{requirement}'"))
            continue
        fits = requirement.specifier.contains(found, prereleases=True)
        note = found if fits else f"{found}; wanted {requirement.specifier}"
        rows.append(_row(requirement.name, "ok" if fits else "broken", note))
    return rows


def _device() -> dict[str, Any]:
    import torch

    if torch.cuda.is_available():
        return _row("device", "ok", torch.cuda.get_device_name())
    return _row("device", "ok", f"CPU, {torch.get_num_threads()} threads; no CUDA")


def _plugins() -> list[dict[str, Any]]:
    recipes = recipe_files()
    rows = [_group(group, registry, registry.get) for group, registry in KINDS.items()]
    return [*rows, _group("recipes", recipes, recipes.__getitem__)]


def _group(group: str, names: Collection[str], look_up: Callable[[str], object]) -> dict[str, Any]:
    """How many there are, or what is wrong with those that are broken."""
    broken = []
    for name in names:
        try:
            look_up(name)
        except BrokenPlugin as error:
            broken.append(str(error))
    return _row(group, "broken" if broken else "ok", "; ".join(broken) or f"{len(names)}")


def _places() -> list[dict[str, Any]]:
    from pixvox_registry.places import cache_root, data_root

    return [
        _row("data", "ok" if data_root().is_dir() else "absent", f"{data_root()} ($PIXVOX_DATA)"),
        _row(
            "cache", "ok" if cache_root().is_dir() else "absent", f"{cache_root()} ($PIXVOX_CACHE)"
        ),
    ]
