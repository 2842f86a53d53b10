"""Wheels of weights, as ``pixvox pack`` makes them: what their cards say, without installing."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pixvox_registry.errors import UserError


def cards_in(folder: Path) -> dict[Path, Mapping[str, Any]]:
    """The card in each wheel of a folder, in the order of their names.

    Raises:
        UserError: there is no such folder, or a wheel holds no card of weights.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}, so there are no wheels of weights in it.")
    return {wheel: _card_in(wheel) for wheel in sorted(folder.glob("*.whl"))}


def _card_in(wheel: Path) -> Mapping[str, Any]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            (inside,) = [name for name in archive.namelist() if name.endswith("/card.json")]
            card = json.loads(archive.read(inside))
        if not isinstance(card["name"], str) or not isinstance(card["sha256"], dict):
            raise ValueError("its card tells no name or no digests")
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{wheel} should be a wheel of weights, as `pixvox pack` makes it; it is not: "
            f"{type(error).__name__} {error}"
        ) from None
    return dict(card)
