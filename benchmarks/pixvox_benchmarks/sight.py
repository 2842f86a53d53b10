"""What a protocol sees, and so to which tasks it may be put."""

from __future__ import annotations

from collections.abc import Sequence

from pixvox_benchmarks.label_fraction import asked
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import PROTOCOLS
from pixvox_registry.contracts import Task
from pixvox_registry.errors import UserError

KINDS = {
    "classes": "classification",
    "labels": "multi-label classification",
    "masks": "segmentation",
}


def check_sight(protocol: str, task: Task) -> None:
    """Refuse a protocol that answers another kind of task: of classes, of labels or of masks.

    Raises:
        UserError: says which protocols fit.
    """
    kind = "masks" if isinstance(task, SegmentationTask) else task.kind
    if kind not in answers(protocol):
        fitting = [p for p in PROTOCOLS if kind in answers(p)]
        raise UserError(
            f"Protocol {protocol!r} does not fit task {task.name!r}, which is one of "
            f"{KINDS[kind]}. Take {', '.join(fitting)}."
        )


def answers(protocol: str) -> Sequence[str]:
    """Of which kinds of tasks: ``classes``, ``labels`` of which several may hold, or ``masks``."""
    usual = ("masks",) if sees(protocol) == "scans" else ("classes",)
    kinds: Sequence[str] = getattr(PROTOCOLS.get(asked(protocol)[0]), "answers", usual)
    return kinds


def sees(protocol: str) -> str:
    """What a protocol learns from: ``features``, ``cases`` or ``scans``."""
    seen: str = getattr(PROTOCOLS.get(asked(protocol)[0]), "sees", "features")
    return seen
