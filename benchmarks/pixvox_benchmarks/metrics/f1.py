"""Macro F1: harmonic mean of precision and recall of each class, then their plain mean."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.decisions import decisions
from pixvox_benchmarks.label_by_label import scored
from pixvox_benchmarks.scorable import Classes, Floats, decided
from pixvox_registry import METRICS


@METRICS.register
class F1:
    """``2 right / (there + called)`` of each class, decided as ``accuracy`` does; plain mean.

    The mean of harmonic means, as in scikit-learn (see Opitz and Burst, arXiv:1911.03347).
    """

    version = "1"
    higher_is_better = True
    stratified = True
    range = (0.0, 1.0)
    conventions = (
        "A class without test cases scores 0 where a case is decided as it and does not count "
        "where none is; a weighting that leaves a class of the test without weight scores NaN."
    )
    of_labels = (
        "Mean over labels of the F1 of what holds; one that no test case has scores 0 where a case "
        "is decided to have it and does not count where none is; a weighting that leaves no case "
        "with a label keeps its score over all cases."
    )

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``; of labels ``[N, L], [N, L]``.

        Raises:
            UserError: not scorable.
        """
        return scored(self._of_classes, probability, target, weight, of_label=self._of_label)

    def _of_classes(self, p: Floats, y: Classes, w: Floats) -> Floats:
        of = decisions(p, y, w)
        met = of.there + of.called  # [P, C]
        counts = met > 0
        f1 = 2 * of.right / np.where(counts, met, 1)
        mean = f1.sum(1) / counts.sum(1).clip(1)
        complete = (of.there[:, of.tested] > 0).all(1)
        return np.where(complete, mean, np.nan)

    def _of_label(self, p: Floats, y: Classes, w: Floats) -> Floats:
        call, there = decided(p), w @ y
        met = there + w @ call
        silent = (met == 0) | ((there == 0) & y.any())
        f1: Floats = np.where(silent, np.nan, 2 * (w @ (call * y)) / np.where(silent, 1, met))
        return f1
