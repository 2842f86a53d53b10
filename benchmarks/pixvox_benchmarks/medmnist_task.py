"""A set of MedMNIST v2 as a task: what is published of it comes from one table."""

from __future__ import annotations

from typing import Any

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES

USUAL = 28  # side of the edition that bears the name of the set alone
METRICS = ("auc", "accuracy", "balanced_accuracy", "expected_calibration_error")


def medmnist_task(
    flag: str, size: int, *, flips: tuple[int, ...], metrics: tuple[str, ...] = METRICS
) -> ClassificationTask:
    """The official splits of a set with one class per image; patients are not published.

    Args:
        flag: also the name of the task.
        size: side of the images, one that the set is published in; unless it is the usual one, a
            backbone sees it, whatever the budget says.
        flips: axes of ``*S`` along which its anatomy may be mirrored.

    Raises:
        UserError: the set has no such size.
    """
    source: Any = SOURCES.build("medmnist", flag, size=size)
    entry = source.entry
    return ClassificationTask(
        name=flag if size == USUAL else f"{flag}:{size}",
        source=source,
        classes=tuple(entry.classes),
        licence=entry.licence,
        units="image",
        flips=flips,
        metrics=metrics,
        image_size=None if size == USUAL else size,
    )
