"""A validation split for data that brings train and test alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Source
from pixvox_registry.scans import Scans


class HeldOut:
    """Every fifth case of train, as it is listed, becomes val.

    Args:
        source: with the splits train and test.
        every: how many cases of train for one of val.
    """

    splits: tuple[str, ...] = ("train", "val", "test")

    def __init__(self, source: Source, *, every: int = 5) -> None:
        self.source = source
        self.every = every
        self.dims = source.dims

    @property
    def name(self) -> str:
        """Of the source."""
        return self.source.name

    def cases(self, split: str) -> Cases:
        """Of ``train``, ``val`` or ``test``."""
        if split == "test":
            return self.source.cases("test")
        train = self.source.cases("train")
        return train.chosen(self._rows(split, len(train)))

    def scans(self, split: str) -> Scans:
        """Of ``train``, ``val`` or ``test``, with masks."""
        source: Any = self.source
        if split == "test":
            tested: Scans = source.scans("test")
            return tested
        train: Scans = source.scans("train")
        return train.chosen(self._rows(split, len(train)))

    def facts(self) -> Mapping[str, Any]:
        """Of the source; its train split is another one here, and so is the digest."""
        facts = self.source.facts()
        return {**facts, "sha256": fingerprint([facts["sha256"], "held out", self.every])}

    def _rows(self, split: str, count: int) -> list[int]:
        return [row for row in range(count) if (row % self.every == 0) == (split == "val")]
