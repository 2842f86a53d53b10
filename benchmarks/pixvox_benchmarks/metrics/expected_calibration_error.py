"""Expected calibration error of the decided class, 15 equal bins (Guo et al., arXiv:1706.04599)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.scorable import Classes, Floats, scorable
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

    def __init__(self, bins: int = 15) -> None:
        self.bins = bins

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``.

        Raises:
            UserError: not scorable.
        """
        p, y, w = scorable(probability, target, weight)
        confidence = p.max(1)
        excess = (p.argmax(1) == y) - confidence  # [N]
        upper_edges = np.linspace(0, 1, self.bins + 1)[1:-1]
        member = np.eye(self.bins)[np.searchsorted(upper_edges, confidence)]  # [N, bins]
        error: Floats = np.abs(w @ (member * excess[:, None])).sum(1) / w.sum(1)
        return error
