"""Overlap of two masks as a share of their union (Jaccard, 1912)."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from pixvox_benchmarks.overlap import overlap
from pixvox_benchmarks.scorable import Floats
from pixvox_benchmarks.structures import mean_over_structures
from pixvox_registry import METRICS


@METRICS.register
class Iou:
    """``|P and T| / |P or T|`` of a structure; mean over cases, then over structures."""

    version = "1"
    higher_is_better = True
    stratified = False
    range = (0.0, 1.0)
    conventions = (
        "A structure that is neither there nor predicted does not count for its case; "
        "one that is missed, or predicted where there is none, scores 0."
    )

    def of_case(self, predicted: ArrayLike, truth: ArrayLike, spacing_mm: Sequence[float]) -> float:
        """``[*S], [*S], [dims]``; NaN where the structure does not count.

        Raises:
            UserError: masks that may not be compared.
        """
        voxels = overlap(predicted, truth, spacing_mm)
        either = voxels.predicted + voxels.truth - voxels.shared
        return voxels.shared / either if either else float("nan")

    def __call__(self, *, iou: Floats, weight: Floats) -> Floats:
        """``[N, S], [P, N] -> [P]``.

        Raises:
            UserError: no such scores.
        """
        return mean_over_structures(iou, weight, self.range)
