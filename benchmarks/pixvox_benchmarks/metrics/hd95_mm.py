"""95th percentile of the Hausdorff distance of two surfaces (Huttenlocher et al., PAMI 1993)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from pixvox_benchmarks.masks import comparable
from pixvox_benchmarks.scorable import Floats
from pixvox_benchmarks.structures import mean_over_structures
from pixvox_benchmarks.surfaces import diagonal_mm, surface_distances_mm
from pixvox_registry import METRICS


@METRICS.register
class Hd95Mm:
    """The greater of two percentiles, from prediction to truth and back, in mm, as in MONAI.

    Mean over cases, then over structures.
    """

    version = "1"
    higher_is_better = False
    stratified = False
    range = (0.0, None)
    conventions = (
        "A structure that is neither there nor predicted does not count for its case; one that is "
        "missed, or predicted where there is none, scores the diagonal of the image in mm; "
        "without a spacing, mm are pixels."
    )

    def of_case(self, predicted: ArrayLike, truth: ArrayLike, spacing_mm: Sequence[float]) -> float:
        """``[*S], [*S], [dims] ->`` mm; NaN where the structure does not count.

        Raises:
            UserError: masks that may not be compared.
        """
        p, t, spacing = comparable(predicted, truth, spacing_mm)
        if not (p.any() or t.any()):
            return float("nan")
        if not (p.any() and t.any()):
            return diagonal_mm(p.shape, spacing)
        there, back = surface_distances_mm(p, t, spacing)
        return float(max(np.percentile(there, 95), np.percentile(back, 95)))

    def __call__(self, *, hd95_mm: Floats, weight: Floats) -> Floats:
        """``[N, S], [P, N] -> [P]``.

        Raises:
            UserError: no such scores.
        """
        return mean_over_structures(hd95_mm, weight, self.range)
