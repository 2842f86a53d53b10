"""Share of two surfaces that lies within a tolerance of the other (Nikolov, arXiv:1809.04430)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from pixvox_benchmarks.masks import comparable
from pixvox_benchmarks.scorable import Floats
from pixvox_benchmarks.structures import mean_over_structures
from pixvox_benchmarks.surfaces import surface_distances_mm
from pixvox_registry import METRICS

ROUNDING = 1e-6  # headers hold spacings as float32, so ten voxels of 0.1 mm are a hair above 1 mm


@METRICS.register
class SurfaceDice:
    """Surface voxels no farther than the tolerance from the other surface, of both, over all.

    A voxel counts one, as in MONAI without subvoxels. Mean over cases, then over structures.
    """

    version = "1"
    higher_is_better = True
    stratified = False
    range = (0.0, 1.0)
    conventions = (
        "A structure that is neither there nor predicted does not count for its case; one that is "
        "missed, or predicted where there is none, scores 0; without a spacing, the tolerance is "
        "in pixels."
    )

    def __init__(self, tolerance_mm: float = 1.0) -> None:
        if not (math.isfinite(tolerance_mm) and tolerance_mm >= 0):
            raise ValueError(f"tolerance_mm wants zero or more, {tolerance_mm} came")
        self.tolerance_mm = tolerance_mm

    def of_case(self, predicted: ArrayLike, truth: ArrayLike, spacing_mm: Sequence[float]) -> float:
        """``[*S], [*S], [dims]``; NaN where the structure does not count.

        Raises:
            UserError: masks that may not be compared.
        """
        p, t, spacing = comparable(predicted, truth, spacing_mm)
        if not (p.any() or t.any()):
            return float("nan")
        if not (p.any() and t.any()):
            return 0.0
        distance = np.concatenate(surface_distances_mm(p, t, spacing))
        return float((distance <= self.tolerance_mm * (1 + ROUNDING)).mean())

    def __call__(self, *, surface_dice: Floats, weight: Floats) -> Floats:
        """``[N, S], [P, N] -> [P]``.

        Raises:
            UserError: no such scores.
        """
        return mean_over_structures(surface_dice, weight, self.range)
