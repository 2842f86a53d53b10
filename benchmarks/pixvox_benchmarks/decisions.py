"""How often each class is there, decided and decided rightly, for many weightings at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixvox_benchmarks.scorable import Classes, Floats, decided


@dataclass(frozen=True)
class Decisions:
    """Weights of cases, by class; a class that no case has and none is decided as has no place.

    Args:
        right: ``[P, C]`` cases of a class that are decided as it.
        there: ``[P, C]`` cases of a class.
        called: ``[P, C]`` cases that are decided as a class.
        tested: ``[C]`` does a case have the class, whatever its weight?
    """

    right: Floats
    there: Floats
    called: Floats
    tested: NDArray[np.bool_]


def decisions(p: Floats, y: Classes, w: Floats) -> Decisions:
    """``[N, K], [N], [P, N]``, all scorable and decided as :func:`decided` does."""
    call = decided(p)
    classes = np.union1d(y, call)
    of_class, as_class = y[:, None] == classes, call[:, None] == classes  # [N, C]
    right, there, called = (
        w @ member.astype(np.float64) for member in (of_class & as_class, of_class, as_class)
    )
    return Decisions(right, there, called, tested=of_class.any(0))
