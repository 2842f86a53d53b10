"""Released: which of the weights that were measured can be had as wheels."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from pixvox_registry.errors import UserError

TENSORS = "backbone.safetensors"


def released(folder: Path) -> dict[str, str]:
    """``{sha256 of the tensors: name}`` of the wheels in a folder, and of what they were made from.

    Raises:
        UserError: a wheel holds no card of weights.
    """
    names: dict[str, str] = {}
    for wheel in sorted(folder.glob("*.whl")):
        try:
            with zipfile.ZipFile(wheel) as archive:
                (inside,) = [n for n in archive.namelist() if n.endswith("/card.json")]
                card = json.loads(archive.read(inside))
            digests = card["sha256"][TENSORS], card.get("made_from", "")
            names |= dict.fromkeys(filter(None, digests), str(card["name"]))
        except (zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{wheel} should be a wheel of weights, as `pixvox pack` makes it; it is not: "
                f"{type(error).__name__} {error}"
            ) from None
    return names
