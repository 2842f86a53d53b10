"""Mean over classes of the share decided rightly (Brodersen et al., ICPR 2010)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.scorable import Classes, Floats, decided, scorable
from pixvox_registry import METRICS


@METRICS.register
class BalancedAccuracy:
    """Accuracy within each class that has test cases, then their plain mean.

    Decided as ``accuracy`` does. A weighting that leaves such a class without weight scores NaN.
    """

    version = "1"
    higher_is_better = True
    stratified = True
    range = (0.0, 1.0)
    conventions = (
        "A class without test cases does not count; a weighting that leaves a class of the test "
        "without weight scores NaN."
    )

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``.

        Raises:
            UserError: not scorable.
        """
        p, y, w = scorable(probability, target, weight)
        member = (y[:, None] == np.unique(y)).astype(np.float64)  # [N, classes present]
        right = (decided(p) == y)[:, None] * member
        with np.errstate(invalid="ignore"):
            mean: Floats = (w @ right / (w @ member)).mean(1)
        return mean
