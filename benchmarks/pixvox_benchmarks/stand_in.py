"""A stand-in: a backbone of a method's own kind that has learnt next to nothing, for timing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pixvox_benchmarks.grid import Workshop
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Pretrained, Source

FEW = 256  # cases that it sees; clusters want some


def stand_in(workshop: Workshop) -> Pretrained:
    """What the maker makes of a few cases in one step; nothing of it stays on disk."""
    maker, order = workshop.maker, workshop.order
    least = replace(order, source=Few(order.source), budget=replace(order.budget, seen=1))
    with TemporaryDirectory(prefix="pixvox-forecast-") as folder:
        return maker.load(maker.make(least, Path(folder) / "run"))


class Few:
    """Some cases of every split, evenly from first to last."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.dims = source.dims
        self.splits = source.splits
        self.name = f"some of {source.name}"

    def cases(self, split: str) -> Cases:
        """At most ``FEW``."""
        cases = self.source.cases(split)
        count = min(FEW, len(cases))
        return cases.chosen([place * len(cases) // count for place in range(count)])

    def facts(self) -> Mapping[str, Any]:
        """Of the whole source."""
        return self.source.facts()
