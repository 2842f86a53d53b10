"""Holm's correction for many comparisons (Scandinavian Journal of Statistics, 1979)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p, ``[C] -> [C]``: reject where it is at most the level of the whole family.

    The i-th smallest of C is multiplied by C - i + 1, and none is below the one before it. NaN, a
    comparison that could not be tested, stays NaN and counts for nothing.
    """
    values = np.asarray(p, np.float64)
    tested = np.flatnonzero(np.isfinite(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(values.shape, np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
