"""A segmentation task: scans with label maps in fixed splits, checked before anyone uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from pixvox_benchmarks.task import SPLITS, check_apart
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.contracts import Source
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.scans import Scans


@dataclass(frozen=True, kw_only=True)
class SegmentationTask:
    """Label ``k`` of a mask is the k-th of ``structures``; 0 is the background.

    Args:
        source: has scans beside cases.
        patch_size: side of the patches that a backbone is pretrained and trained on.
        units: what a case is: ``patient``, ``study`` or ``image``.
        flips: axes of an image, ``*S``, along which views may mirror its anatomy.
        metrics: of masks; the first one ranks.
    """

    name: str
    source: Source
    structures: tuple[str, ...]
    patch_size: int
    licence: str
    units: str
    flips: tuple[int, ...]
    version: str = "1"
    metrics: tuple[str, ...] = ("dice", "iou", "hd95_mm", "surface_dice")

    @property
    def dims(self) -> int:
        """2 for images, 3 for volumes."""
        return self.source.dims

    @property
    def labels(self) -> int:
        """The structures and the background."""
        return 1 + len(self.structures)

    def scans(self, split: str) -> Scans:
        """Scans of ``train``, ``val`` or ``test`` with their masks.

        Raises:
            UserError: the data is missing, a split is empty, or a case or patient stands in two.
        """
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
        return self._checked[split]

    def fingerprint(self) -> str:
        """sha256 over all that a task decides, split ids, and the bytes of images and masks."""
        return fingerprint(
            {
                "version": self.version,
                "structures": list(self.structures),
                "patch_size": self.patch_size,
                "units": self.units,
                "flips": list(self.flips),
                "metrics": list(self.metrics),
                "splits": {split: list(scans.ids) for split, scans in self._checked.items()},
                "data": self.source.facts()["sha256"],
                "scans": [scans.sha256() for scans in self._checked.values() if scans.sha256],
            }
        )

    @cached_property
    def _checked(self) -> Mapping[str, Scans]:
        source: Any = self.source
        splits: dict[str, Scans] = {split: source.scans(split) for split in SPLITS}
        for split, scans in splits.items():
            if not len(scans):
                raise UserError(f"Task {self.name!r} needs cases in {split}; the split is empty.")
        check_apart(self.name, splits)
        return splits

    def check_masks(self) -> None:
        """Refuse a label that names no structure; reads every mask of every split.

        Raises:
            UserError: says which.
        """
        for scan in chain.from_iterable(self._checked.values()):
            highest = int(scan.mask.max())
            if highest >= self.labels:
                raise UserError(
                    f"Task {self.name!r} has the labels 1 to {self.labels - 1} "
                    f"({', '.join(self.structures)}); {scan.id} also has {highest}."
                )
