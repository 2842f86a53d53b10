"""Squared error of probabilities, over all classes (Brier, Monthly Weather Review 1950)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.label_by_label import scored
from pixvox_benchmarks.scorable import Classes, Floats
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
    of_labels = "Mean over labels of the squared error of each, so from 0 to 1."

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``; of labels ``[N, L], [N, L]``.

        Raises:
            UserError: not scorable.
        """
        return scored(self._of_classes, probability, target, weight, of_label=self._of_label)

    def _of_classes(self, p: Floats, y: Classes, w: Floats) -> Floats:
        error = ((p - np.eye(p.shape[1])[y]) ** 2).sum(1)  # [N]
        mean: Floats = w @ error / w.sum(1)
        return mean

    def _of_label(self, p: Floats, y: Classes, w: Floats) -> Floats:
        return self._of_classes(p, y, w) / 2
