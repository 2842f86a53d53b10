"""Expected calibration error of the decided class, 15 equal bins (Guo et al., arXiv:1706.04599)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.label_by_label import scored
from pixvox_benchmarks.scorable import Classes, Floats
from pixvox_registry import METRICS


@METRICS.register
class ExpectedCalibrationError:
    """Mean over bins of |accuracy - confidence|, each bin weighing as many cases as it holds.

    Confidence is the highest probability; the first one among equals is the decided class. A bin
    holds its upper edge. An empty bin adds nothing.
    """

    version = "1"
    higher_is_better = False
    stratified = False
    range = (0.0, 1.0)
    conventions = "An empty bin adds nothing; a split of one class is refused."
    of_labels = "Mean over labels, each as of two classes: that it holds, and that it does not."

    def __init__(self, bins: int = 15) -> None:
        self.bins = bins

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``; of labels ``[N, L], [N, L]``.

        Raises:
            UserError: not scorable.
        """
        return scored(self._of_classes, probability, target, weight)

    def _of_classes(self, p: Floats, y: Classes, w: Floats) -> Floats:
        confidence = p.max(1)
        excess = (p.argmax(1) == y) - confidence  # [N]
        upper_edges = np.linspace(0, 1, self.bins + 1)[1:-1]
        member = np.eye(self.bins)[np.searchsorted(upper_edges, confidence)]  # [N, bins]
        error: Floats = np.abs(w @ (member * excess[:, None])).sum(1) / w.sum(1)
        return error
