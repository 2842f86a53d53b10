"""A multi-label task: several labels may hold for a case, or none; checked like any task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from pixvox_benchmarks.task import SPLITS, check_apart, check_brought, held
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Source
from pixvox_registry.errors import UserError, unknown


@dataclass(frozen=True, kw_only=True)
class MultiLabelTask:
    """Each label holds for a case or does not, whatever the others do.

    Args:
        labels: their names, in the order in which protocols predict them.
        columns: what the source calls them, each 0 or 1 for every case; as ``labels`` by default.
        units: what a case is: ``patient``, ``study`` or ``image``.
        flips: axes of an image, ``*S``, along which views may mirror its anatomy.
        metrics: the first one ranks.
        image_size: side of the images that a backbone sees, instead of the budget's.
    """

    kind: ClassVar[str] = "labels"

    name: str
    source: Source
    labels: tuple[str, ...]
    licence: str
    units: str
    flips: tuple[int, ...]
    columns: tuple[str, ...] = ()
    version: str = "1"
    metrics: tuple[str, ...] = (
        "auc",
        "accuracy",
        "balanced_accuracy",
        "expected_calibration_error",
    )
    image_size: int | None = None

    @property
    def dims(self) -> int:
        """2 for images, 3 for volumes."""
        return self.source.dims

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels: a probability has one column for each, as it has for classes."""
        return self.labels

    def cases(self, split: str) -> Cases:
        """Cases of ``train``, ``val`` or ``test`` with their labels.

        Raises:
            UserError: the data is missing, a split is empty or lacks a label, a label is not 0 or
                1, no label tells cases of a split apart, a label holds for no test case or for
                all, or a case or patient stands in two splits.
        """
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
        return self._checked[split]

    def target(self, cases: Cases) -> Tensor:
        """Which labels hold for each case, ``[N, L]`` int64 of 0 and 1."""
        return torch.stack([cases.labels[column] for column in self._columns], 1)

    def fingerprint(self) -> str:
        """sha256 over all that a task decides, split ids, labels and the bytes of every case."""
        return self._fingerprint

    @property
    def _columns(self) -> tuple[str, ...]:
        return self.columns or self.labels

    @cached_property
    def _checked(self) -> Mapping[str, Cases]:
        if len(set(self.labels)) < len(self.labels) or len(self._columns) != len(self.labels):
            raise UserError(
                f"Task {self.name!r} wants labels of different names and a column of the source "
                f"for each; {len(self.labels)} labels and {len(self._columns)} columns came."
            )
        splits = {split: self.source.cases(split) for split in SPLITS}
        for split, cases in splits.items():
            check_brought(self.name, split, cases, self.source.name, self._columns)
            self._check_labels(split, self.target(cases))
        check_apart(self.name, splits)
        return splits

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(
            {
                "version": self.version,
                "labels": list(self.labels),
                "units": self.units,
                "flips": list(self.flips),
                "metrics": list(self.metrics),
                "splits": {
                    split: held(cases, self.target(cases)) for split, cases in self._checked.items()
                },
            }
        )

    def _check_labels(self, split: str, target: Tensor) -> None:
        """``[N, L]``."""
        outside = ((target != 0) & (target != 1)).nonzero()
        if len(outside):
            row, place = outside[0].tolist()
            raise UserError(
                f"Task {self.name!r} has labels that hold (1) or do not (0); {split} has "
                f"{int(target[row, place])} for {self._columns[place]!r}."
            )
        count = target.sum(0)
        tells = (count > 0) & (count < len(target))  # [L]
        if split == "test" and tells.any() and not tells.all():
            silent = int((~tells).nonzero()[0])
            whom = "every test case" if count[silent] else "no test case"
            raise UserError(
                f"Task {self.name!r} has {whom} with {self.labels[silent]!r}; its AUC has no value "
                "there. Split anew, or leave the label out."
            )
        if not tells.any():
            raise UserError(
                f"Task {self.name!r} has the same labels for all {len(target)} cases of {split}. "
                "Nothing can be told apart there; split anew."
            )
