"""Splits by rule for data whose source brings too few of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Source
from pixvox_registry.errors import UserError
from pixvox_registry.scans import Scans
from pixvox_registry.split_rule import SHARES, by_rule


class Ruled:
    """The train split of a source, shared out by the rule of ``pixvox_registry.split_rule``.

    Where the source knows patients, they are what is shared out, and all cases of one stay
    together. Other splits of the source, such as an official test, stay as they are.

    Args:
        source: with a split called train.
        rule: name of the draw; another one is another list.
        shares: of every split that comes of train.
    """

    splits: tuple[str, ...] = ("train", "val", "test")

    def __init__(self, source: Source, *, rule: str, shares: Mapping[str, float] = SHARES) -> None:
        self.source = source
        self.rule = rule
        self.shares = shares
        self.dims = source.dims

    @property
    def name(self) -> str:
        """Of the source."""
        return self.source.name

    def cases(self, split: str) -> Cases:
        """Of ``train``, ``val`` or ``test``.

        Raises:
            UserError: the source has a split of its own where the rule makes one.
        """
        if split not in self.shares:
            return self.source.cases(split)
        self._refuse_two_splits()
        train = self.source.cases("train")
        return train.chosen(self._rows(split, train))

    def scans(self, split: str) -> Scans:
        """Of ``train``, ``val`` or ``test``, with masks.

        Raises:
            UserError: as :meth:`cases`.
        """
        source: Any = self.source
        if split not in self.shares:
            untouched: Scans = source.scans(split)
            return untouched
        self._refuse_two_splits()
        train: Scans = source.scans("train")
        return train.chosen(self._rows(split, train))

    def facts(self) -> Mapping[str, Any]:
        """Of the source; its train split is another one here, and so is the digest."""
        facts = self.source.facts()
        parts = [facts["sha256"], self.rule, dict(self.shares)]
        return {**facts, "sha256": fingerprint(parts)}

    def _rows(self, split: str, train: Cases | Scans) -> Sequence[int]:
        owners = train.patients or train.ids
        chosen = set(by_rule(owners, self.shares, rule=self.rule)[split])
        return [row for row, owner in enumerate(owners) if owner in chosen]

    def _refuse_two_splits(self) -> None:
        twice = sorted(set(self.source.splits) & self.shares.keys() - {"train"})
        if twice:
            raise UserError(
                f"The splits {', '.join(self.shares)} of {self.source.name} are drawn by a rule, "
                f"and it brings {', '.join(twice)} of its own. Move its list of splits away, or "
                "write a task that uses it."
            )
