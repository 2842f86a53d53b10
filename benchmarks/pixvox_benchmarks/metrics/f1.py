"""Macro F1: harmonic mean of precision and recall of each class, then their plain mean."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.decisions import decisions
from pixvox_benchmarks.scorable import Classes, Floats
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

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``.

        Raises:
            UserError: not scorable.
        """
        of = decisions(probability, target, weight)
        met = of.there + of.called  # [P, C]
        counts = met > 0
        f1 = 2 * of.right / np.where(counts, met, 1)
        mean = f1.sum(1) / counts.sum(1).clip(1)
        complete = (of.there[:, of.tested] > 0).all(1)
        return np.where(complete, mean, np.nan)
