"""Labels of which several may hold: each is scored by itself, then their plain mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pixvox_benchmarks.scorable import Classes, Floats, scorable, scorable_labels
from pixvox_registry.errors import UserError

Scored = Callable[[Floats, Classes, Floats], Floats]  # [N, K], [N], [P, N] -> [P], all checked


def scored(
    of_classes: Scored,
    probability: Floats,
    target: Classes,
    weight: Floats,
    *,
    of_label: Scored | None = None,
    curve: str = "",
) -> Floats:
    """Classes ``[N, K], [N]`` as they are; labels ``[N, L], [N, L]`` one by one: ``-> [P]``.

    A weighting (a resample) under which a label has no score, since no case that has it has weight
    or none that lacks it, says nothing of the label, which keeps its score over all cases: so each
    weighting scores the same labels. A label without a score over all cases does not count.

    Args:
        of_classes: of a label it gets the probabilities of two classes, that it does not hold and
            that it does, ``[N, 2]``.
        of_label: what scores a label, if another.
        curve: its name, where it needs test cases with each label and without.

    Raises:
        UserError: not scorable, or a label for which there is no curve.
    """
    if np.ndim(target) != 2:
        return of_classes(*scorable(probability, target, weight))
    p, y, w = scorable_labels(probability, target, weight)
    if curve:
        _check_both(curve, y)
    labels = [
        _of_all_weightings(of_label or of_classes, np.stack([1 - chance, chance], 1), holds, w)
        for chance, holds in zip(p.T, y.T, strict=True)
    ]
    scores = np.stack(labels)  # [L, P]
    mean: Floats = scores[~np.isnan(scores[:, 0])].mean(0)
    return mean


def _of_all_weightings(of_label: Scored, p: Floats, y: Classes, w: Floats) -> Floats:
    """``[N, 2], [N], [P, N] -> [P]``, all of them NaN or none."""
    found = of_label(p, y, w)
    silent = np.isnan(found)
    if silent.any():
        found = np.where(silent, of_label(p, y, np.ones((1, len(y)))), found)
    return found


def _check_both(curve: str, target: Classes) -> None:
    """``[N, L]``."""
    count = target.sum(0)
    flat = [str(label) for label in np.flatnonzero((count == 0) | (count == len(target)))]
    if flat:
        raise UserError(
            f"{curve} wanted test cases with and without each of {target.shape[1]} labels; all "
            f"cases are alike in label {', '.join(flat)}. Use accuracy, or a split that has both."
        )
