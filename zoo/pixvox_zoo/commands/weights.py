"""``pixvox weights``: which weights are installed, and whether they work here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixvox_registry import COMMANDS, UserError
from pixvox_registry.console import say, show_table

if TYPE_CHECKING:
    from pixvox_zoo.whereabouts import Installed


@COMMANDS.register
def weights(
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Load each: card, digests, keys, golden output. Exit 1."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List the installed weights: what they are, whether they fit this pixvox, what they score.

    Example: pixvox weights --verify
    """
    from pixvox_zoo.whereabouts import installed

    rows = [row_of(one, verify=verify, brief=not json) for one in installed()]
    show_table(rows, as_json=json)
    if not rows:
        say("No weights are installed; wheels of weights are called pixvox-weights-NAME.")
    if any(row["state"] not in ("fits", "works") for row in rows):
        raise SystemExit(1)


def row_of(one: Installed, *, verify: bool, brief: bool) -> dict[str, Any]:
    """A line of the table; what cannot be read is a line too."""
    from pixvox_zoo.weights import load
    from pixvox_zoo.weights_card import check_version, read_card

    row: dict[str, Any] = {"name": one.name, "distribution": one.distribution}
    try:
        if one.folder is None:
            raise UserError(f"{one.distribution} brings no package of weights.")
        card = read_card(one.folder)
        row |= facts_of(card, brief=brief)
        check_version(card, one.folder)
        if verify:
            load(one.folder)
    except (UserError, OSError) as fault:
        return {**dict.fromkeys(COLUMNS, ""), **row, "state": str(fault)}
    return {**row, "state": "works" if verify else "fits"}


COLUMNS = ("name", "distribution", "dims", "backbone", "parameters", "data", "licence", "scores")


def facts_of(card: dict[str, Any], *, brief: bool) -> dict[str, Any]:
    """What a card says in a row, a line per score."""
    scores = card.get("scores", [])
    told = "\n".join(
        f"{one['task']} {one['protocol']} {one['metric']} {one['score']:.3f}" for one in scores
    )
    return {
        "dims": card["facts"]["dims"],
        "backbone": card["backbone"]["name"],
        "parameters": card["parameters"],
        "data": card["data"]["dataset"],
        "licence": card.get("licence", "unknown"),
        "scores": told if brief else scores,
    }
