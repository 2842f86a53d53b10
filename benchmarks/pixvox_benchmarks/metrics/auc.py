"""Area under the ROC curve as MedMNIST defines it (arXiv:2110.14795), ties counting half."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pixvox_benchmarks.against_rest import classes_against_rest
from pixvox_benchmarks.label_by_label import scored
from pixvox_benchmarks.scorable import Classes, Floats
from pixvox_registry import METRICS


@METRICS.register
class Auc:
    """How often a case of a class scores above a case of another; equal scores count half.

    Two classes: the score of class 1. More: the plain mean over classes of one against the rest.
    A weighting that leaves a class without weight scores NaN.
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
        "leaves no case with or without a label keeps its score over all cases."
    )

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``; of labels ``[N, L], [N, L]``.

        Raises:
            UserError: not scorable, or a class has no test case.
        """
        return scored(self._of_classes, probability, target, weight, curve="AUC")

    def _of_classes(self, p: Floats, y: Classes, w: Floats) -> Floats:
        classes = classes_against_rest("AUC", p, y)
        areas: Floats = np.mean([_area(p[:, k], y == k, w) for k in classes], axis=0)
        return areas


def _area(score: Floats, positive: NDArray[np.bool_], weight: Floats) -> Floats:
    """``[N], [N], [P, N] -> [P]``: weight of the pairs in order, over the weight of all pairs.

    Negatives are sorted once; their cumulative weight tells each positive how much lies below it
    (``under``), and how much lies below or beside it (``upto``).
    """
    negatives = np.flatnonzero(~positive)
    negatives = negatives[np.argsort(score[negatives], kind="stable")]
    under = np.searchsorted(score[negatives], score[positive], side="left")
    upto = np.searchsorted(score[negatives], score[positive], side="right")
    cumulative = np.zeros((len(weight), len(negatives) + 1))  # [P, negatives + 1]
    np.cumsum(weight[:, negatives], axis=1, out=cumulative[:, 1:])
    beaten = cumulative[:, under]  # [P, positives]
    if (under != upto).any():
        beaten = (beaten + cumulative[:, upto]) / 2
    heavy = weight[:, positive]
    with np.errstate(invalid="ignore"):
        area: Floats = np.einsum("pn,pn->p", heavy, beaten) / (heavy.sum(1) * cumulative[:, -1])
    return area
