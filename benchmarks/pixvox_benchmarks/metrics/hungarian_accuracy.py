"""Share of cases that the best one-to-one matching of clusters to classes puts right."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.contingency import contingency
from pixvox_benchmarks.scorable import Classes, Floats
from pixvox_registry import METRICS


@METRICS.register
class HungarianAccuracy:
    """Clustering accuracy (Kuhn, 1955; as in Xie et al., arXiv:1511.06335, equation 10).

    The matching knows the labels it is judged by, so this says how well clusters *could* be named.
    Clusters beyond the number of classes are matched to none, and their cases are wrong.
    """

    version = "1"
    higher_is_better = True
    stratified = False
    range = (0.0, 1.0)
    conventions = (
        "Cases of a cluster beyond the number of classes are wrong; an empty cluster has no place."
    )

    def __call__(self, cluster: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N], [N], [P, N] -> [P]``.

        Raises:
            UserError: no clusters.
        """
        from scipy.optimize import linear_sum_assignment

        tables = contingency(cluster, target, weight)  # [P, K, C]
        matched = [table[linear_sum_assignment(table, maximize=True)].sum() for table in tables]
        share: Floats = np.array(matched) / tables.sum((1, 2))
        return share
