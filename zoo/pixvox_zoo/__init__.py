"""MAKES: backbones, views, heads, losses, the recipes that compose them, pretraining."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pixvox_zoo.api import pretrain as pretrain
    from pixvox_zoo.encoder import PixVoxEncoder as PixVoxEncoder
    from pixvox_zoo.weights import load as load

_HOMES = {
    "load": "pixvox_zoo.weights",
    "pretrain": "pixvox_zoo.api",
    "PixVoxEncoder": "pixvox_zoo.encoder",
}


def __getattr__(name: str) -> Any:
    """``pixvox_zoo.load`` and the others on first use: importing it imports no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
