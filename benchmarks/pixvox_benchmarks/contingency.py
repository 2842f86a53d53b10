"""How often each cluster meets each class, for many weightings of the cases at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pixvox_benchmarks.scorable import Floats
from pixvox_registry.errors import UserError


def contingency(cluster: ArrayLike, target: ArrayLike, weight: ArrayLike) -> Floats:
    """``[N], [N], [P, N] -> [P, K, C]``: weight of the cases of cluster k and class c.

    Clusters and classes without a case have no place.

    Raises:
        UserError: shapes that disagree, clusters that are no numbers of a cluster, or no cases.
    """
    k, y, w = np.asarray(cluster), np.asarray(target), np.asarray(weight, np.float64)
    if k.ndim != 1 or not len(k) or y.shape != k.shape or w.shape[1:] != k.shape:
        raise UserError(
            "A metric of clusters wanted clusters [N], targets [N] and weights [P, N]; shapes "
            f"{k.shape}, {y.shape} and {w.shape} came."
        )
    if not (np.isfinite(k).all() and (k == np.round(k)).all() and k.min() >= 0):
        raise UserError(
            "A metric of clusters wanted whole numbers from 0 as clusters; others came."
        )
    member, of_class = _one_hot(k), _one_hot(y)
    both = member[:, :, None] * of_class[:, None, :]  # [N, K, C]
    table: Floats = (w @ both.reshape(len(k), -1)).reshape(len(w), *both.shape[1:])
    return table


def _one_hot(labels: NDArray[np.generic]) -> Floats:
    member: Floats = (labels[:, None] == np.unique(labels)).astype(np.float64)
    return member
