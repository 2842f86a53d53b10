"""Released: which of the weights that were measured can be had as wheels."""

from __future__ import annotations

from pathlib import Path

from pixvox_registry.wheels import cards_in

TENSORS = "backbone.safetensors"


def released(folder: Path) -> dict[str, str]:
    """``{sha256 of the tensors: name}`` of the wheels in a folder, and of what they were made from.

    Raises:
        UserError: as :func:`pixvox_registry.wheels.cards_in` has it.
    """
    names: dict[str, str] = {}
    for card in cards_in(folder).values():
        digests = card["sha256"].get(TENSORS), card.get("made_from")
        names |= dict.fromkeys(filter(None, digests), str(card["name"]))
    return names
