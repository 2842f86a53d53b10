"""Predictions that may be scored: each defect is an error, never a score."""

from __future__ import annotations

from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pixvox_registry.errors import UserError

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]


def scorable(
    probability: ArrayLike, target: ArrayLike, weight: ArrayLike
) -> tuple[Floats, Classes, Floats]:
    """``[N, K], [N], [P, N]`` as float64, int64 and float64, all checked.

    Raises:
        UserError: shapes that disagree, values that are no probabilities, rows that do not sum to 1
            (within 1e-6), targets that are no classes, negative weights, no cases, or one class
            where two are needed.
    """
    p, y = np.asarray(probability, np.float64), np.asarray(target)
    if y.ndim == 2:
        refuse("one class for each case", f"labels of which several may hold, {y.shape},")
    if p.ndim != 2 or p.shape[1] < 2 or y.shape != p.shape[:1]:
        refuse("probabilities [N, K >= 2] and targets [N]", f"shapes {p.shape} and {y.shape}")
    if not len(y):
        refuse("at least two cases of two classes", "an empty split")
    _check_probabilities(p)
    worst = np.abs(p.sum(1) - 1).max()
    if worst > 1e-6:
        refuse("probabilities that sum to 1 for each case", f"a sum that is {worst:g} off")
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= p.shape[1]:
        refuse(f"integer targets of 0 to {p.shape[1] - 1}", f"{y.dtype}, {y.min()} to {y.max()}")
    if (y == y[0]).all():
        refuse("at least two classes among the test cases", f"one class in test, {y[0]}")
    return p, y.astype(np.int64), weighting(weight, len(y))


def scorable_labels(
    probability: ArrayLike, target: ArrayLike, weight: ArrayLike
) -> tuple[Floats, Classes, Floats]:
    """``[N, L], [N, L], [P, N]`` as float64, int64 and float64, all checked.

    Raises:
        UserError: shapes that disagree, values that are no probabilities, targets that are not 0 or
            1, negative weights, no cases, or no label that tells cases apart.
    """
    p, y = np.asarray(probability, np.float64), np.asarray(target)
    if p.ndim != 2 or not p.shape[1] or y.shape != p.shape:
        refuse("probabilities [N, L] and labels [N, L]", f"shapes {p.shape} and {y.shape}")
    if not len(y):
        refuse("at least two cases that differ in a label", "an empty split")
    _check_probabilities(p)
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() > 1:
        refuse("integer labels of 0 and 1", f"{y.dtype}, {y.min()} to {y.max()}")
    if (y == y[0]).all():
        refuse("a label that tells the test cases apart", "the same labels for each")
    return p.clip(0, 1), y.astype(np.int64), weighting(weight, len(y))


def weighting(weight: ArrayLike, cases: int) -> Floats:
    """``[P, N]`` as float64, checked.

    Raises:
        UserError: another shape, or weights that are negative or not finite.
    """
    w = np.asarray(weight, np.float64)
    if w.ndim != 2 or w.shape[1] != cases:
        refuse(f"weights [P, N] of {cases} cases", f"shapes {w.shape}")
    if w.size and not (w.min() >= 0 and np.isfinite(w.max())):
        refuse("finite weights of zero or more", f"weights from {w.min():g} to {w.max():g}")
    return w


def decided(probability: Floats) -> Classes:
    """``[N, K] -> [N]`` as MedMNIST decides: class 1 of two if above .5, else the first highest."""
    if probability.shape[1] == 2:
        return np.asarray(probability[:, 1] > 0.5, np.int64)
    return np.asarray(probability.argmax(1), np.int64)


def _check_probabilities(p: Floats) -> None:
    if not (p.min() >= 0 and p.max() <= 1 + 1e-6):  # false for NaN too
        refuse("probabilities between 0 and 1", f"values from {p.min():g} to {p.max():g}")


def refuse(wanted: str, came: str) -> NoReturn:
    """Say what a metric wanted and what came.

    Raises:
        UserError: always.
    """
    raise UserError(
        f"A metric wanted {wanted}; {came} came. Check the protocol that made these predictions "
        "and the split that it was tested on."
    )
