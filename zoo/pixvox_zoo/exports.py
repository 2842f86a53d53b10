"""Exports: what of a backbone serves alone, published beside the whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from pixvox_registry.prints import Prints
from pixvox_zoo import weights
from pixvox_zoo.feed import Feed


def save_exports(
    out: Path,
    backbone: nn.Module,
    card: Mapping[str, Any],
    feed: Feed,
    shown: Mapping[int, Prints],
) -> list[Path]:
    """``out/weights_NAME`` for each part that the backbone says serves alone.

    A backbone says so by ``exports``: the name of the part, the backbone plugin that it is, its
    dims, and which settings the two share.

    Args:
        shown: prints of all cases, of which each part was shown some.
    """
    exports: Mapping[str, tuple[str, int, tuple[str, ...]]] = getattr(backbone, "exports", {})
    saved = []
    for name, (plugin, dims, shared) in exports.items():
        said = card["backbone"]["settings"]
        settings = {key: said[key] for key in shared if key in said}
        told = {
            **card,
            "name": f"{card['name']}-{name}",
            "backbone": {"name": plugin, "settings": settings},
            "facts": {**card["facts"], "dims": dims},
            "intensity": weights.intensity_facts(_feed_of(feed, dims).intensity),
        }
        part: nn.Module = getattr(backbone, name)
        saved.append(weights.save(out / f"weights_{name}", part, told, shown))
    return saved


def _feed_of(feed: Feed, dims: int) -> Feed:
    """The source of these dims, whose intensity scale the part has seen; else the first."""
    return next((each for each in feed.feeds if each.cases.dims == dims), feed)
