"""Squared error of probabilities, over all classes (Brier, Monthly Weather Review 1950)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.scorable import Classes, Floats, scorable
from pixvox_registry import METRICS


@METRICS.register
class Brier:
    """Mean over cases of the sum over classes of ``(probability - is it the class?) ** 2``.

    Of two classes that is twice the squared error of class 1, which others call Brier score too.
    """

    version = "1"
    higher_is_better = False
    stratified = False
    range = (0.0, 2.0)
    conventions = "A class without test cases adds the squares of its probabilities."

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``.

        Raises:
            UserError: not scorable.
        """
        p, y, w = scorable(probability, target, weight)
        error = ((p - np.eye(p.shape[1])[y]) ** 2).sum(1)  # [N]
        mean: Floats = w @ error / w.sum(1)
        return mean
