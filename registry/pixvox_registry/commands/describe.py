"""``pixvox describe``: what a plugin is, takes and comes from."""

from __future__ import annotations

import inspect
import sys
from typing import Annotated

import typer

from pixvox_registry import COMMANDS, KINDS
from pixvox_registry.errors import unknown


@COMMANDS.register
def describe(
    kind: Annotated[str, typer.Argument(help="losses, backbones, tasks, recipes, ...")],
    name: Annotated[str, typer.Argument(help="As `pixvox list` shows it.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Signature, docstring, file, line, distribution and version of a plugin; a recipe's text.

    Example: pixvox describe losses nt_xent
    """
    from pixvox_registry.artifacts import canonical_json

    facts = _recipe(name) if kind == "recipes" else _plugin(kind, name)
    if json:
        sys.stdout.write(canonical_json(facts).decode())
        return
    for key, content in facts.items():
        print(f"{key}:\n{content}\n" if "\n" in str(content) else f"{key}: {content}")


def _plugin(kind: str, name: str) -> dict[str, object]:
    if kind not in KINDS:
        raise unknown("kind", kind, [*KINDS, "recipes"])
    registry = KINDS[kind]
    factory, origin = registry.get(name), registry.origin(name)
    signature = inspect.signature(factory)
    forward = getattr(factory, "forward", None) or getattr(factory, "__call__", None)  # noqa: B004
    facts: dict[str, object] = {
        "name": f"{registry.kind} {name}",
        "signature": f"{name}{signature}",
        "file": f"{inspect.getsourcefile(factory)}:{inspect.getsourcelines(factory)[1]}",
        "distribution": f"{origin.distribution} {origin.version}",
        "docstring": inspect.getdoc(factory) or "",
    }
    if inspect.isclass(factory) and forward is not None:
        facts["forward"] = f"{inspect.signature(forward)}\n{inspect.getdoc(forward) or ''}"
    return facts


def _recipe(name: str) -> dict[str, object]:
    from importlib.metadata import version

    from pixvox_registry.recipes import recipe_files

    recipes = recipe_files()
    if name not in recipes:
        raise unknown("recipe", name, recipes)
    file, (owner,) = recipes[name], recipes.owners(name)
    card = file.with_name("card.md")
    facts: dict[str, object] = {"name": f"recipe {name}", "file": str(file)}
    return facts | {
        "distribution": f"{owner} {version(owner)}",
        "recipe": file.read_text(),
        "card": card.read_text() if card.exists() else "",
    }
