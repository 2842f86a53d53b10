"""Cards written over, as a careful hand or a careless disk would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pixvox_registry.artifacts import canonical_json
from pixvox_zoo.weights_card import DIGEST, FORMAT, OLDER, signed


def edited(card: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A card with other values under dotted keys; ``...`` takes one away."""
    whole: dict[str, Any] = json.loads(json.dumps(card))
    for key, value in changes.items():
        *way, last = key.split(".")
        held = whole
        for part in way:
            held = held[part]
        if value is ...:
            del held[last]
        else:
            held[last] = value
    return whole


def rewrite(folder: Path, changes: dict[str, Any], *, older: bool = False) -> None:
    """Edit the card of a folder and sign it anew, or leave it as the older format has it."""
    card = json.loads((folder / "card.json").read_text())
    card.pop(DIGEST, None)
    whole = edited(card, {**changes, "format": OLDER if older else FORMAT})
    (folder / "card.json").write_bytes(canonical_json(whole if older else signed(whole)))
