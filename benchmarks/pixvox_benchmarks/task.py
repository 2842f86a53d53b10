"""A classification task: one labelled dataset in fixed splits, checked before anyone uses it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch

from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Source
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.scans import Scans

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class ClassificationTask:
    """One class per case; the labels are those that the source calls ``class``.

    Args:
        units: what a case is: ``patient``, ``study`` or ``image``.
        flips: axes of an image, ``*S``, along which views may mirror its anatomy.
        metrics: the first one ranks.
    """

    name: str
    source: Source
    classes: tuple[str, ...]
    licence: str
    units: str
    flips: tuple[int, ...]
    version: str = "1"
    metrics: tuple[str, ...] = (
        "auc",
        "accuracy",
        "balanced_accuracy",
        "expected_calibration_error",
    )

    @property
    def dims(self) -> int:
        """2 for images, 3 for volumes."""
        return self.source.dims

    def cases(self, split: str) -> Cases:
        """Cases of ``train``, ``val`` or ``test`` with their labels.

        Raises:
            UserError: the data is missing, a split is empty, unlabelled or of one class, a label
                names no class, or a case or patient stands in two splits.
        """
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
        return self._checked[split]

    def fingerprint(self) -> str:
        """sha256 over all that a task decides, split ids, labels and the bytes of every case."""
        return self._fingerprint

    @cached_property
    def _checked(self) -> Mapping[str, Cases]:
        splits = {split: self.source.cases(split) for split in SPLITS}
        for split, cases in splits.items():
            self._check_labels(split, cases)
        check_apart(self.name, splits)
        return splits

    @cached_property
    def _fingerprint(self) -> str:
        splits = {
            split: {
                "ids": list(cases.ids),
                "labels": cases.labels["class"].tolist(),
                "images": digest_of(cases.images),
            }
            for split, cases in self._checked.items()
        }
        return fingerprint(
            {
                "version": self.version,
                "classes": list(self.classes),
                "units": self.units,
                "flips": list(self.flips),
                "metrics": list(self.metrics),
                "splits": splits,
            }
        )

    def _check_labels(self, split: str, cases: Cases) -> None:
        if not len(cases):
            raise UserError(f"Task {self.name!r} needs cases in {split}; the split is empty.")
        if "class" not in cases.labels:
            raise UserError(
                f"Task {self.name!r} needs a label called 'class' for every case of {split}; "
                f"{self.source.name} brings {', '.join(sorted(cases.labels)) or 'no labels'}."
            )
        found = sorted(set(cases.labels["class"].tolist()))
        outside = [label for label in found if not 0 <= label < len(self.classes)]
        if outside:
            raise UserError(
                f"Task {self.name!r} has the classes 0 to {len(self.classes) - 1} "
                f"({', '.join(self.classes)}); {split} also has {outside[:5]}."
            )
        lacking = [name for k, name in enumerate(self.classes) if k not in found]
        if split == "test" and len(found) > 1 and lacking:
            raise UserError(
                f"Task {self.name!r} has no test case of {', '.join(map(repr, lacking))}; its AUC "
                "has no value there. Split anew, or leave the class out."
            )
        if len(found) < 2:
            raise UserError(
                f"Task {self.name!r} has one class in {split}: all {len(cases)} cases are "
                f"{self.classes[found[0]]!r}. Nothing can be told apart there; split anew."
            )


def check_apart(task: str, splits: Mapping[str, Cases] | Mapping[str, Scans]) -> None:
    """Refuse a case or a patient that stands in two splits.

    Raises:
        UserError: names the first ten.
    """
    found = {
        "case": [cases.ids for cases in splits.values()],
        "patient": [cases.patients or () for cases in splits.values()],
    }
    for what, names in found.items():
        counts = Counter(name for split in names for name in set(split))
        twice = sorted(name for name, count in counts.items() if count > 1)
        if twice:
            raise UserError(
                f"Task {task!r} wants every {what} in one split only; {len(twice)} stand in "
                f"two: {', '.join(twice[:10])}{', ...' if len(twice) > 10 else ''}. Split anew."
            )


def digest_of(images: torch.Tensor) -> str:
    """sha256 over type, shape and bytes of ``[N, C, *S]``."""
    digest = hashlib.sha256(f"{images.dtype} {tuple(images.shape)} ".encode())
    for piece in images.split(256):
        digest.update(piece.contiguous().numpy())
    return digest.hexdigest()
