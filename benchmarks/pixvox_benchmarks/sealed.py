"""The test split in an envelope: opened once, after the choice, and the opening is on record."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Generic, TypeVar

import torch

from pixvox_registry.cases import Cases
from pixvox_registry.errors import UserError
from pixvox_registry.measuring import Predictions, Segmentation, Split
from pixvox_registry.scans import Scans

Test = TypeVar("Test", bound=Split | Cases | Scans)
TOLERANCE = 1e-6  # of the sum of a row of probabilities


class SealedTest(Generic[Test]):
    """Gives the test split to whoever calls it first, and to nobody after.

    Args:
        opener: who asks, for the record.
        owner: whose cases they are.
    """

    def __init__(self, reveal: Callable[[], Test], *, opener: str, owner: str) -> None:
        self.reveal = reveal
        self.opener = opener
        self.owner = owner
        self.opened = 0
        self.target = torch.empty(0, dtype=torch.int64)
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self) -> Test:
        """The test cases.

        Raises:
            UserError: they were handed out before.
        """
        self.opened += 1
        now = datetime.now(UTC).isoformat(timespec="seconds")
        said = f"{now} {self.opener} opens the test split of {self.owner} (number {self.opened})"
        print(said, file=sys.stderr, flush=True)
        if self.opened > 1:
            raise UserError(
                f"Protocol {self.opener!r} opens the test split of {self.owner} a second time. "
                "Whatever it chooses, it must choose on train and val."
            )
        revealed = self.reveal()
        match revealed:
            case Split():
                self.target = revealed.target.clone()
            case Cases():
                self.target = revealed.labels["class"].clone()
            case Scans():
                self.shapes = [tuple(scan.mask.shape) for scan in revealed]
        return revealed

    def check(self, predictions: Predictions, classes: int) -> None:
        """Refuse predictions that are not one distribution over classes for every test case.

        Of labels, of which several may hold, each has a probability of its own.

        Raises:
            UserError: cases are missing, labels were changed, or rows are no probabilities.
        """
        self._check_opened()
        wanted = (len(self.target), classes)
        if tuple(predictions.probability.shape) != wanted:
            raise UserError(
                f"Protocol {self.opener!r} must give {wanted} probabilities for {self.owner}; "
                f"it gives {tuple(predictions.probability.shape)}. No case may be left out."
            )
        if not torch.equal(predictions.target, self.target):
            raise UserError(f"Protocol {self.opener!r} changes the labels of {self.owner}.")
        rows = predictions.probability.double()
        of_labels = self.target.ndim == 2
        off = rows > 1 + TOLERANCE if of_labels else (rows.sum(1) - 1).abs() > TOLERANCE
        if not rows.isfinite().all() or (rows < 0).any() or off.any():
            raise UserError(
                f"Protocol {self.opener!r} gives rows that are no probabilities for {self.owner}: "
                f"each must be finite, not negative, and {'at most' if of_labels else 'sum to'} 1."
            )

    def check_masks(self, segmentation: Segmentation, labels: int) -> None:
        """Refuse masks that are not one label map on the voxels of every test scan.

        Raises:
            UserError: scans are missing, shapes differ, or a label names no structure.
        """
        self._check_opened()
        masks = segmentation.masks
        if [tuple(mask.shape) for mask in masks] != self.shapes:
            raise UserError(
                f"Protocol {self.opener!r} must give a mask on the voxels of each of the "
                f"{len(self.shapes)} test scans of {self.owner}; it gives {len(masks)}, or other "
                "shapes. No case may be left out."
            )
        highest = max(int(mask.max()) for mask in masks)
        if any(mask.dtype != torch.uint8 for mask in masks) or highest >= labels:
            raise UserError(
                f"Protocol {self.opener!r} must give {self.owner} uint8 labels from 0 to "
                f"{labels - 1}; the highest is {highest}."
            )

    def _check_opened(self) -> None:
        if not self.opened:
            raise UserError(f"Protocol {self.opener!r} predicts without opening the test split.")
