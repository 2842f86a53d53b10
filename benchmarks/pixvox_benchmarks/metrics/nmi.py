"""Normalised mutual information of clusters and classes (Strehl and Ghosh, JMLR 2002)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.contingency import contingency
from pixvox_benchmarks.scorable import Classes, Floats
from pixvox_registry import METRICS


@METRICS.register
class Nmi:
    """Mutual information over the mean of the two entropies, as scikit-learn normalises it.

    0 where clusters say nothing of classes, also where there is but one cluster. It grows with the
    number of clusters.
    """

    version = "1"
    higher_is_better = True
    stratified = False
    range = (0.0, 1.0)
    conventions = "One cluster scores 0, also where there is but one class."

    def __call__(self, cluster: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N], [N], [P, N] -> [P]``.

        Raises:
            UserError: no clusters.
        """
        joint = contingency(cluster, target, weight)
        joint = joint / joint.sum((1, 2), keepdims=True)  # [P, K, C]
        entropies = _entropy(joint.sum(2)) + _entropy(joint.sum(1))
        mutual = entropies - _entropy(joint.reshape(len(joint), -1))
        told = entropies > 0
        share: Floats = np.where(told, 2 * mutual / np.where(told, entropies, 1), 0.0)
        return share.clip(0, 1)


def _entropy(p: Floats) -> Floats:
    """``[P, K] -> [P]`` in nats."""
    entropy: Floats = -(p * np.log(np.where(p > 0, p, 1))).sum(1)
    return entropy
