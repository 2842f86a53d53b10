"""What MedMNIST v2 publishes: sets, sizes, md5 sums, classes, licences (arXiv:2110.14795)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What MedMNIST publishes of one set; ``md5`` is by size, ``extent_mm`` the side of a case."""

    task: str
    dims: int
    channels: int
    classes: Sequence[str]
    cases: Mapping[str, int]
    licence: str
    md5: Mapping[str, str]
    extent_mm: float | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """The official sets, from ``medmnist.json`` beside this file."""

    version: str
    url: str
    sets: Mapping[str, Entry]


@cache
def table() -> Table:
    """Read once, when first asked for."""
    text = files("pixvox_registry").joinpath("medmnist.json").read_text(encoding="utf-8")
    raw = json.loads(text)
    sets = {flag: Entry(**entry) for flag, entry in raw["sets"].items()}
    return Table(version=raw["version"], url=raw["url"], sets=sets)
