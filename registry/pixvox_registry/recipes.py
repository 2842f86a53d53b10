"""Where recipes lie: a folder per method in the zoo, or in a guest's package; found by name."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

HOME = "pixvox_zoo.recipes"


@cache
def recipe_files() -> dict[str, Path]:
    """``{name: .../name/recipe.yaml}`` of the zoo and of guests; no plugin is imported.

    A guest's entry point of the group ``pixvox_zoo.recipes`` names the method and the package
    folder that holds its ``recipe.yaml``.
    """
    found = {file.parent.name: file for file in _folder("pixvox_zoo").glob("recipes/*/recipe.yaml")}
    for point in entry_points(group=HOME):
        found[point.name] = _folder(point.module) / "recipe.yaml"
    return dict(sorted(found.items()))


def _folder(package: str) -> Path:
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else Path("missing") / package
