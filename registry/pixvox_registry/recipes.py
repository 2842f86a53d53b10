"""Where recipes lie: a folder per method in the zoo, or in a guest's package; found by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from pixvox_registry.registry import BrokenPlugin

HOME = "pixvox_zoo.recipes"
FILE = "recipe.yaml"


class Recipes(Mapping[str, Path]):
    """``{name: .../name/recipe.yaml}``. Listing names opens nothing; only a look-up can fail.

    Args:
        brought: for each name, the package that holds it by the distribution that brings it.
    """

    def __init__(self, brought: Mapping[str, Mapping[str, str]]) -> None:
        self.brought = brought

    def __getitem__(self, name: str) -> Path:
        """The file behind ``name``.

        Raises:
            KeyError: nothing bears the name.
            BrokenPlugin: its package holds no recipe, or two distributions bring it.
        """
        packages = self.brought[name]
        if len(packages) > 1:
            raise BrokenPlugin(
                f"recipe {name!r} is brought by {' and by '.join(self.owners(name))}. "
                "Uninstall one of them."
            )
        ((owner, package),) = packages.items()
        for folder in _folders(package):
            if (folder / FILE).is_file():
                return folder / FILE
        raise BrokenPlugin(f"recipe {name!r} of {owner}: no {FILE} lies in the package {package}.")

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.brought))

    def __len__(self) -> int:
        return len(self.brought)

    def __contains__(self, name: object) -> bool:
        return name in self.brought

    def owners(self, name: str) -> list[str]:
        """The distributions that bring ``name``: one, unless they clash."""
        return sorted(self.brought[name])


@cache
def recipe_files() -> Recipes:
    """The recipes of the zoo and of guests; no plugin is imported.

    A guest's entry point of the group ``pixvox_zoo.recipes`` names the method and the package
    folder that holds its ``recipe.yaml``.
    """
    brought: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for folder in _folders(HOME):
        for file in folder.glob(f"*/{FILE}"):
            brought[file.parent.name]["pixvox"] = f"{HOME}.{file.parent.name}"
    for point in entry_points(group=HOME):
        owner = point.dist.name if point.dist else "unknown"
        brought[point.name][owner] = point.value
    return Recipes(brought)


def _folders(package: str) -> list[Path]:
    """Where a package may lie. ``find_spec("a.b")`` would import ``a``, and a guest's may break."""
    top, *below = package.split(".")
    spec = find_spec(top)
    places = (spec.submodule_search_locations or []) if spec else []
    return [Path(place, *below) for place in places]
