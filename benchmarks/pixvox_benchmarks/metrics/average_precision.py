"""Average precision: the steps of the precision-recall curve, as scikit-learn sums them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pixvox_benchmarks.against_rest import classes_against_rest
from pixvox_benchmarks.label_by_label import scored
from pixvox_benchmarks.scorable import Classes, Floats
from pixvox_registry import METRICS


@METRICS.register
class AveragePrecision:
    """Precision at the score of each case of a class, in the mean; equal scores are one step.

    Two classes: of class 1. More: the plain mean over classes of one against the rest.
    """

    version = "1"
    higher_is_better = True
    stratified = True
    range = (0.0, 1.0)
    conventions = (
        "A class without test cases is refused; a weighting that leaves a class without weight "
        "scores NaN."
    )
    of_labels = (
        "Mean over labels; one that all test cases have, or none, is refused; a weighting that "
        "leaves no case with a label keeps its score over all cases."
    )

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``; of labels ``[N, L], [N, L]``.

        Raises:
            UserError: not scorable, or a class has no test case.
        """
        return scored(self._of_classes, probability, target, weight, curve="Average precision")

    def _of_classes(self, p: Floats, y: Classes, w: Floats) -> Floats:
        classes = classes_against_rest("Average precision", p, y)
        mean: Floats = np.mean([_precision(p[:, k], y == k, w) for k in classes], axis=0)
        return mean


def _precision(score: Floats, positive: NDArray[np.bool_], weight: Floats) -> Floats:
    """``[N], [N], [P, N] -> [P]``; a step ends at the last case of a score that a positive has."""
    order = np.argsort(-score, kind="stable")
    falling, hit, w = -score[order], positive[order], weight[:, order]
    steps = np.unique(falling[hit])
    chosen = np.cumsum(w, axis=1)[:, np.searchsorted(falling, steps, side="right") - 1]  # [P, T]
    ends = np.searchsorted(falling[hit], steps, side="right") - 1
    found = np.cumsum(w[:, hit], axis=1)[:, ends]
    gain = np.diff(found, axis=1, prepend=0)
    precision = found / np.where(chosen > 0, chosen, 1)
    with np.errstate(invalid="ignore"):
        area: Floats = np.einsum("pt,pt->p", gain, precision) / found[:, -1]
    return area
