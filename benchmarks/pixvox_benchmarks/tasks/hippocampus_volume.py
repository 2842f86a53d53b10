"""Is a hippocampus larger than most? From MR, 200 cases of MSD's Task04 (arXiv:2106.05735)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases

EVERY = 5  # training case of the list is held out for validation


class ByVolume:
    """Cases with the class that their volume has: 1 above the median of train."""

    dims: int = 3
    splits: tuple[str, ...] = ("train", "val", "test")

    def __init__(self) -> None:
        self.source = SOURCES.build("msd", "Task04_Hippocampus")

    @property
    def name(self) -> str:
        """Of the source."""
        return self.source.name

    def cases(self, split: str) -> Cases:
        """``train`` and ``val`` share the train cases of splits.json; ``test`` is its own."""
        train = self.source.cases("train")
        rows = range(len(train))
        learnt = train.chosen([row for row in rows if row % EVERY])
        cases = {
            "train": learnt,
            "val": train.chosen([row for row in rows if not row % EVERY]),
            "test": self.source.cases("test"),
        }[split]
        median = learnt.labels["volume_mm3"].median()
        large = (cases.labels["volume_mm3"] > median).long()
        return replace(cases, labels={"class": large})

    def facts(self) -> Mapping[str, Any]:
        """Of the source; its train split is another one here, and so is the digest."""
        facts = self.source.facts()
        return {**facts, "sha256": fingerprint([facts["sha256"], "held out", EVERY])}


@TASKS.register
def hippocampus_volume() -> ClassificationTask:
    """128 / 32 / 40 volumes of about 35 x 50 x 36 mm, patients unknown; classes from the masks.

    The volume of both parts is above the median of train or not, which features that were trained
    without masks may tell.
    """
    return ClassificationTask(
        name="hippocampus_volume",
        source=ByVolume(),
        classes=("small", "large"),
        licence="CC-BY-SA-4.0",
        units="image",
        flips=(2,),  # a left hippocampus mirrored is a right one
    )
