"""Which classes a curve is drawn for: each against the rest."""

from __future__ import annotations

from pixvox_benchmarks.scorable import Classes, Floats
from pixvox_registry.errors import UserError


def classes_against_rest(metric: str, probability: Floats, target: Classes) -> range:
    """Class 1 of two, else all: ``[N, K], [N]``.

    Raises:
        UserError: one of them has no case.
    """
    classes = range(1, 2) if probability.shape[1] == 2 else range(probability.shape[1])
    absent = sorted(set(classes) - set(target.tolist()))
    if absent:
        raise UserError(
            f"{metric} wanted test cases of each of {probability.shape[1]} classes; none came of "
            f"class {', '.join(map(str, absent))}. Use accuracy, or a split that has them."
        )
    return classes
