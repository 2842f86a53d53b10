"""Adjusted Rand index of clusters and classes (Hubert and Arabie, 1985)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.contingency import contingency
from pixvox_benchmarks.scorable import Classes, Floats
from pixvox_registry import METRICS


@METRICS.register
class Ari:
    """Share of pairs of cases on which clusters and classes agree, less what chance would give.

    0 in the mean for clusters by chance, 1 where they are the classes; also where both are one.
    """

    version = "1"
    higher_is_better = True
    stratified = False
    range = (-0.5, 1.0)
    conventions = (
        "One cluster scores 0; where there is but one class too, or each case is alone in both, 1."
    )

    def __call__(self, cluster: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N], [N], [P, N] -> [P]``.

        Raises:
            UserError: no clusters.
        """
        table = contingency(cluster, target, weight)  # [P, K, C]
        both = _pairs(table).sum((1, 2))
        rows, columns = _pairs(table.sum(2)).sum(1), _pairs(table.sum(1)).sum(1)
        by_chance = rows * columns / _pairs(table.sum((1, 2)))
        room = (rows + columns) / 2 - by_chance
        some = np.abs(room) > 1e-9
        index: Floats = np.where(some, (both - by_chance) / np.where(some, room, 1), 1.0)
        return index


def _pairs(count: Floats) -> Floats:
    return count * (count - 1) / 2
