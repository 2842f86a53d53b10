"""The card of a folder of weights: read, and held against the files beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from pixvox_registry import prints
from pixvox_registry.artifacts import digest, fingerprint
from pixvox_registry.errors import UserError
from pixvox_registry.prints import Prints
from pixvox_zoo.card_shape import check_shape
from pixvox_zoo.whereabouts import check_plain

FORMAT, OLDER = 3, 2  # cards of the older one have no digest of themselves
DIGEST = "card_sha256"  # over the canonical JSON of all that a card says beside it
PRINTS = "cases.safetensors"  # prints of the cases that were shown, beside the card


def signed(card: Mapping[str, Any]) -> dict[str, Any]:
    """A card with the digest by which a change of it is found."""
    rest = {key: said for key, said in card.items() if key != DIGEST}
    return {**rest, DIGEST: fingerprint(rest)}


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a weights folder, less its own digest.

    Raises:
        UserError: there is none, it is of another format, it was changed, or it lacks something.
    """
    file = folder / "card.json"
    if not file.is_file():
        raise UserError(
            f"{folder} holds no card.json; a weights folder is what `pixvox pretrain` writes."
        )
    try:
        card = json.loads(file.read_text(), parse_constant=_no_number)
        told = card.pop(DIGEST, None) if isinstance(card, dict) else None
        found = fingerprint(card)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not JSON: {error}. Fetch the weights again.") from None
    format_ = card.get("format") if isinstance(card, dict) else None
    if format_ not in (FORMAT, OLDER):
        raise UserError(
            f"{file} has format {format_!r:.60}; this pixvox reads {OLDER} and {FORMAT}."
        )
    if told != found and not (told is None and format_ == OLDER):
        raise UserError(
            f"{file} was changed: it does not say what its own digest ({DIGEST}) is of. Fetch the "
            "weights again."
        )
    check_shape(card, file)
    whole: dict[str, Any] = card
    return whole


def _no_number(name: str) -> None:
    raise ValueError(f"{name} stands where a number should")


def check_version(card: Mapping[str, Any], folder: Path) -> None:
    """Refuse weights that say they are for other versions of pixvox."""
    wanted, here = str(card.get("requires_pixvox", "")), version("pixvox")
    try:
        fits = SpecifierSet(wanted).contains(here, prereleases=True)
    except InvalidSpecifier:
        raise UserError(f"{folder} asks for pixvox {wanted!r}, which is no range.") from None
    if not fits:
        raise UserError(
            f"{folder} is for pixvox {wanted}; this is {here}. Install a pixvox of that range, or "
            "a newer version of the weights."
        )


def check_files(card: Mapping[str, Any], folder: Path) -> None:
    """Refuse a folder whose files are not those that its card gives the digests of."""
    if lacking := sorted({"backbone.safetensors", "golden.safetensors"} - card["sha256"].keys()):
        raise UserError(f"The card of {folder} gives no sha256 of {', '.join(lacking)}; refused.")
    check_plain(list(card["sha256"]), folder / "card.json")
    for name, expected in card["sha256"].items():
        if not (folder / name).is_file():
            raise UserError(f"{folder} lacks {name}, which its card lists.")
        if digest(folder / name) != expected:
            raise UserError(f"{folder / name} has another sha256 than its card says; refused.")


def prints_told(shown: Mapping[int, Prints] | None) -> str:
    """What a card says of the cases that were shown: the name of a file, nothing or unknown."""
    return prints.UNKNOWN if shown is None else PRINTS if shown else prints.NOTHING


def prints_at(folder: Path, card: Mapping[str, Any]) -> str:
    """The same as a benchmark reads it, with the whole path.

    Raises:
        UserError: the card names a file that it gives no sha256 of.
    """
    told = card["data"].get("prints", prints.UNKNOWN)
    if told in (prints.NOTHING, prints.UNKNOWN):
        return str(told)
    if told not in card["sha256"]:
        raise UserError(f"The card of {folder} names prints in {told!r} and gives no sha256 of it.")
    return str(folder / told)


def folder_in(run: Path) -> Path:
    """The folder of the weights of a run; what is no run is taken for weights."""
    return run / "weights" if (run / "weights" / "card.json").is_file() else run


def digests_of(run: Path) -> set[str]:
    """sha256 of the tensors, and of those that they were rounded from."""
    card = read_card(folder_in(run))
    return {card["sha256"]["backbone.safetensors"], *filter(None, [card.get("made_from")])}
