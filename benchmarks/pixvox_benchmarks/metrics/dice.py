"""Overlap of two masks as a share of their mean size (Dice, Ecology 1945)."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from pixvox_benchmarks.overlap import overlap
from pixvox_benchmarks.scorable import Floats
from pixvox_benchmarks.structures import mean_over_structures
from pixvox_registry import METRICS


@METRICS.register
class Dice:
    """``2 |P and T| / (|P| + |T|)`` of a structure; mean over cases, then over structures."""

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
        both = voxels.predicted + voxels.truth
        return 2 * voxels.shared / both if both else float("nan")

    def __call__(self, *, dice: Floats, weight: Floats) -> Floats:
        """``[N, S], [P, N] -> [P]``.

        Raises:
            UserError: no such scores.
        """
        return mean_over_structures(dice, weight, self.range)
