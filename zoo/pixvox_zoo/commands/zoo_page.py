"""``pixvox zoo page``: the table of all recipes, and the measured line of every card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say


@COMMANDS.register
def zoo_page(
    check: Annotated[Path, typer.Option(help="Written by `pixvox zoo check`.")] = Path(
        "zoo/check.json"
    ),
    out: Annotated[Path, typer.Option(help="The page.")] = Path("zoo/README.md"),
) -> None:
    """Write the page of the zoo, and what was measured into every card.

    Example: pixvox zoo page --check runs/zoo/check.json
    """
    for file, text in pages(check, out).items():
        if not file.is_file() or file.read_text() != text:
            file.write_text(text)
            say(f"wrote {file}")


def pages(check: Path, out: Path) -> dict[Path, str]:
    """What every generated file should hold.

    Raises:
        UserError: there is no such check.
    """
    import json

    from pixvox_registry.errors import UserError
    from pixvox_registry.recipes import recipe_files
    from pixvox_zoo.page import page, with_measured

    if not check.is_file():
        raise UserError(
            f"There is no {check}. `pixvox zoo check` writes runs/zoo/check.json; name it."
        )
    told = json.loads(check.read_text())
    cards = {name: file.with_name("card.md") for name, file in recipe_files().items()}
    return {
        out: page(told),
        **{card: with_measured(card.read_text(), told, name) for name, card in cards.items()},
    }
