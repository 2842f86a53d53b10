"""What a protocol sees, and so to which tasks it may be put."""

from __future__ import annotations

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import PROTOCOLS
from pixvox_registry.contracts import Task
from pixvox_registry.errors import UserError


def check_sight(protocol: str, task: Task) -> None:
    """Refuse a protocol that wants masks where there are classes, or the other way round.

    Raises:
        UserError: says which protocols fit.
    """
    masks = isinstance(task, SegmentationTask)
    if masks != (sees(protocol) == "scans"):
        fitting = [p for p in PROTOCOLS if masks == (sees(p) == "scans")]
        raise UserError(
            f"Protocol {protocol!r} does not fit task {task.name!r}, which is one of "
            f"{'segmentation' if masks else 'classification'}. Take {', '.join(fitting)}."
        )


def sees(protocol: str) -> str:
    """What a protocol learns from: ``features`` or ``scans``."""
    seen: str = getattr(PROTOCOLS.get(protocol), "sees", "features")
    return seen
