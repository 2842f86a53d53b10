"""Mean silhouette: nearer to the own cluster than to the next one? (Rousseeuw, 1987)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.scorable import Classes, Floats
from pixvox_registry import METRICS
from pixvox_registry.errors import UserError


@METRICS.register
class Silhouette:
    """Mean over cases of the coefficient that a protocol gives each: from -1 to 1.

    It knows no classes, so it says how apart clusters lie, not whether they mean anything.
    """

    version = "1"
    higher_is_better = True
    stratified = False

    def __call__(self, silhouette: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N], [N], [P, N] -> [P]``.

        Raises:
            UserError: values beyond -1 and 1.
        """
        value = np.asarray(silhouette, np.float64)
        if not (np.abs(value) <= 1).all():  # false for NaN too
            raise UserError("Metric silhouette wanted values from -1 to 1; others came.")
        mean: Floats = weight @ value / weight.sum(1)
        return mean
