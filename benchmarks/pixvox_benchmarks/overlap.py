"""How many voxels two masks hold, and how many of them they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pixvox_benchmarks.masks import comparable


@dataclass(frozen=True)
class Overlap:
    """Numbers of voxels."""

    shared: int
    predicted: int
    truth: int


def overlap(predicted: ArrayLike, truth: ArrayLike, spacing_mm: Sequence[float]) -> Overlap:
    """``[*S], [*S], [dims]``; spacings do not change it, and are checked all the same.

    Raises:
        UserError: masks that may not be compared.
    """
    p, t, _ = comparable(predicted, truth, spacing_mm)
    return Overlap(*(int(np.count_nonzero(mask)) for mask in (p & t, p, t)))
