"""Mean over classes of the share decided rightly (Brodersen et al., ICPR 2010)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.label_by_label import scored
from pixvox_benchmarks.scorable import Classes, Floats, decided
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
    of_labels = (
        "Mean over labels of sensitivity and specificity; a weighting that leaves no case with or "
        "without a label keeps its score over all cases."
    )

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``; of labels ``[N, L], [N, L]``.

        Raises:
            UserError: not scorable.
        """
        return scored(self._of_classes, probability, target, weight)

    def _of_classes(self, p: Floats, y: Classes, w: Floats) -> Floats:
        member = (y[:, None] == np.unique(y)).astype(np.float64)  # [N, classes present]
        right = (decided(p) == y)[:, None] * member
        with np.errstate(invalid="ignore"):
            mean: Floats = (w @ right / (w @ member)).mean(1)
        return mean
