"""Mean silhouette: nearer to the own cluster than to the next one? (Rousseeuw, 1987)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.scorable import Classes, Floats, refuse, weighting
from pixvox_registry import METRICS


@METRICS.register
class Silhouette:
    """Mean over cases of the coefficient that a protocol gives each: from -1 to 1.

    It knows no classes, so it says how apart clusters lie, not whether they mean anything.
    """

    version = "1"
    higher_is_better = True
    stratified = False
    range = (-1.0, 1.0)
    conventions = (
        "A case alone in its cluster scores 0, and so does every case where there is one cluster."
    )

    def __call__(self, silhouette: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N], [N], [P, N] -> [P]``.

        Raises:
            UserError: values beyond -1 and 1, or no cases.
        """
        value = np.asarray(silhouette, np.float64)
        if value.ndim != 1 or not len(value):
            refuse("a silhouette for each of some cases, [N]", f"shape {value.shape}")
        if not (np.abs(value) <= 1).all():  # false for NaN too
            refuse("silhouettes from -1 to 1", "others")
        w = weighting(weight, len(value))
        mean: Floats = w @ value / w.sum(1)
        return mean
