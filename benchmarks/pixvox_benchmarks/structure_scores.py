"""What was outlined against the truth: a figure for each metric, scan and structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from pixvox_registry import METRICS
from pixvox_registry.geometry import brought_to
from pixvox_registry.scans import Scans


def compared(
    masks: Sequence[Tensor], scans: Scans, metrics: tuple[str, ...], labels: int
) -> dict[str, list[list[float]]]:
    """``{metric: [N][S]}``: each structure of each scan against its truth on the file's grid."""
    asked: dict[str, Any] = {name: METRICS.build(name) for name in metrics}
    columns: dict[str, list[list[float]]] = {name: [] for name in metrics}
    for row, mask in enumerate(masks):
        true = scans.truth_of(row)
        spacing = true.spacing_mm or (1.0,) * mask.ndim
        predicted, truth = brought_to(mask, true.mask.shape).numpy(), true.mask.numpy()
        for name, metric in asked.items():
            columns[name].append(
                [
                    metric.of_case(predicted == label, truth == label, spacing)
                    for label in range(1, labels)
                ]
            )
    return columns
