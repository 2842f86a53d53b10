"""A classification task: one labelled dataset in fixed splits, checked before anyone uses it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from torch import Tensor

from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Source
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.scans import Scans
from pixvox_registry.stored import Images, pieces

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class ClassificationTask:
    """One class per case; the labels are those that the source calls ``class``.

    Args:
        units: what a case is: ``patient``, ``study`` or ``image``.
        flips: axes of an image, ``*S``, along which views may mirror its anatomy.
        metrics: the first one ranks.
        image_size: side of the images that a backbone sees, instead of the budget's.
    """

    kind: ClassVar[str] = "classes"

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
    image_size: int | None = None

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

    def target(self, cases: Cases) -> Tensor:
        """The class of each case, ``[N]`` int64."""
        return cases.labels["class"]

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
        splits = {split: held(cases, self.target(cases)) for split, cases in self._checked.items()}
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
        check_brought(self.name, split, cases, self.source.name, ("class",))
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


def check_brought(task: str, split: str, cases: Cases, source: str, labels: Sequence[str]) -> None:
    """Refuse a split without cases, or without labels of these names.

    Raises:
        UserError: names the first that is lacking, and what the source brings.
    """
    if not len(cases):
        raise UserError(f"Task {task!r} needs cases in {split}; the split is empty.")
    lacking = [label for label in labels if label not in cases.labels]
    if lacking:
        raise UserError(
            f"Task {task!r} needs a label called {lacking[0]!r} for every case of {split}; "
            f"{source} brings {', '.join(sorted(cases.labels)) or 'no labels'}."
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


def held(cases: Cases, target: Tensor) -> dict[str, Any]:
    """What a split holds, for a task's fingerprint."""
    return {
        "ids": list(cases.ids),
        "labels": target.tolist(),
        "images": digest_of(cases.images),
    }


def digest_of(images: Images) -> str:
    """sha256 over type, shape and bytes of ``[N, C, *S]``."""
    digest = hashlib.sha256(f"{images.dtype} {tuple(images.shape)} ".encode())
    for piece in pieces(images):
        digest.update(piece.contiguous().numpy().data)
    return digest.hexdigest()
