"""How often each cluster meets each class, for many weightings of the cases at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pixvox_benchmarks.scorable import Floats, refuse, weighting


def contingency(cluster: ArrayLike, target: ArrayLike, weight: ArrayLike) -> Floats:
    """``[N], [N], [P, N] -> [P, K, C]``: weight of the cases of cluster k and class c.

    Clusters and classes without a case have no place.

    Raises:
        UserError: shapes that disagree, clusters that are no numbers of a cluster, no cases, or
            weights that are none.
    """
    k, y = np.asarray(cluster), np.asarray(target)
    if k.ndim != 1 or not len(k) or y.shape != k.shape:
        refuse("clusters [N] and targets [N] of some cases", f"shapes {k.shape} and {y.shape}")
    if not (np.isfinite(k).all() and (k == np.round(k)).all() and k.min() >= 0):
        refuse("whole numbers from 0 as clusters", "others")
    w = weighting(weight, len(k))
    member, of_class = _one_hot(k), _one_hot(y)
    both = member[:, :, None] * of_class[:, None, :]  # [N, K, C]
    table: Floats = (w @ both.reshape(len(k), -1)).reshape(len(w), *both.shape[1:])
    return table


def _one_hot(labels: NDArray[np.generic]) -> Floats:
    member: Floats = (labels[:, None] == np.unique(labels)).astype(np.float64)
    return member
