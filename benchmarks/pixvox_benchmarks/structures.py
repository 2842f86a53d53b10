"""One score from the scores of many structures in many cases."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pixvox_benchmarks.scorable import Floats, refuse, weighting

Range = tuple[float | None, float | None]  # None: no bound


def mean_over_structures(score: ArrayLike, weight: ArrayLike, limits: Range) -> Floats:
    """``[N, S], [P, N] -> [P]``: the mean over structures of their weighted mean over cases.

    NaN says that a structure does not apply to a case: there is none, and none was predicted. Such
    a case does not count for it, and a structure that applies to no case is left out. A weighting
    (a resample) that gives none of a structure's cases weight says nothing of it, so the structure
    keeps its unweighted mean: each weighting scores the same structures.

    Args:
        score: ``[N]`` is one structure.
        limits: lowest and highest score that there can be.

    Raises:
        UserError: shapes that disagree, a score out of its range, weights below zero or not finite,
            or no structure that applies.
    """
    x = np.asarray(score, np.float64)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2:
        refuse("scores [N, S]", f"shape {x.shape}")
    w = weighting(weight, len(x))
    applies = ~np.isnan(x)
    if not applies.any():
        refuse("a structure in at least one case", "none, in truth or in prediction,")
    _check(x[applies], limits)
    somewhere = applies.any(0)
    applies, total = applies[:, somewhere], np.where(applies, x, 0)[:, somewhere]
    mass = w @ applies  # [P, S]
    unweighted = total.sum(0) / applies.sum(0)
    mean = np.where(mass > 0, w @ total / np.where(mass > 0, mass, 1), unweighted)
    return np.asarray(mean.mean(1), np.float64)


def spelt(limits: Range) -> str:
    """A range in words.

    >>> spelt((0.0, 1.0)), spelt((-0.5, 1.0)), spelt((0.0, None))
    ('from 0 to 1', 'from -0.5 to 1', 'from 0')
    """
    bounds = zip(("from", "to"), limits, strict=True)
    return " ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


def _check(scores: Floats, limits: Range) -> None:
    low, high = limits
    least, most = scores.min(), scores.max()
    too_low = not np.isfinite(least) or (low is not None and least < low)
    too_high = not np.isfinite(most) or (high is not None and most > high)
    if too_low or too_high:
        refuse(f"scores {spelt(limits)}, all finite", f"{least:g} to {most:g}")
