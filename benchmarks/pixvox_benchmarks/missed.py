"""What a case scores that nobody predicted: the worst there is, by each metric's own convention."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pixvox_registry import METRICS
from pixvox_registry.scans import Scans


def missed_outlines(
    scans: Scans, metrics: tuple[str, ...], labels: int
) -> dict[str, list[list[float]]]:
    """``{metric: [N][S]}``: every structure wholly missed, and never a case that does not count.

    Where the truth has none of a structure, what is missed is the whole image.
    """
    asked: dict[str, Any] = {name: METRICS.build(name) for name in metrics}
    columns: dict[str, list[list[float]]] = {name: [] for name in metrics}
    for row in range(len(scans)):
        true = scans.truth_of(row)
        spacing = true.spacing_mm or (1.0,) * true.mask.ndim
        nothing = torch.zeros_like(true.mask, dtype=torch.bool)
        lost = [true.mask == label for label in range(1, labels)]
        lost = [there if there.any() else ~nothing for there in lost]
        for name, metric in asked.items():
            columns[name].append(
                [metric.of_case(nothing.numpy(), there.numpy(), spacing) for there in lost]
            )
    return columns


def missed_probabilities(target: Tensor, classes: int, step: int = 1) -> Tensor:
    """``[N] -> [N, K]`` float64: certain of the class ``step`` places after the true one.

    The first comes after the last. Which wrong class is the worst hangs on the metric.
    Of labels ``[N, L] -> [N, L]``: certain that each holds which does not, and the other way round.
    """
    if target.ndim == 2:
        return 1 - target.double()
    return torch.nn.functional.one_hot((target + step) % classes, classes).double()
