"""Where data, caches and installed weights lie."""

from __future__ import annotations

import os
from pathlib import Path

WEIGHTS = "pixvox.weights"  # group of entry points: name of the weights = package that holds them


def data_root() -> Path:
    """``$PIXVOX_DATA``, or ``~/.local/share/pixvox``: raw datasets as their owners publish them."""
    return Path(os.environ.get("PIXVOX_DATA") or "~/.local/share/pixvox").expanduser()


def cache_root() -> Path:
    """``$PIXVOX_CACHE``, or ``~/.cache/pixvox``: what can be made again at any time."""
    return Path(os.environ.get("PIXVOX_CACHE") or "~/.cache/pixvox").expanduser()
