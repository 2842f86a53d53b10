"""Agreement of decisions and classes beyond chance, unweighted (Cohen, 1960)."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.decisions import decisions
from pixvox_benchmarks.scorable import Classes, Floats, scorable
from pixvox_registry import METRICS


@METRICS.register
class CohenKappa:
    """``(observed - by chance) / (1 - by chance)``, decided as ``accuracy`` does.

    0 where decisions say nothing of classes, 1 where all are right.
    """

    version = "1"
    higher_is_better = True
    stratified = True
    range = (-1.0, 1.0)
    conventions = (
        "A class without test cases adds only to what is decided wrongly; a weighting under which "
        "one class is all there is, and all that is decided, scores NaN."
    )

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``.

        Raises:
            UserError: not scorable; labels of which several may hold never are.
        """
        of = decisions(*scorable(probability, target, weight))
        total = of.there.sum(1)
        by_chance = (of.there * of.called).sum(1)
        with np.errstate(invalid="ignore"):
            kappa: Floats = (total * of.right.sum(1) - by_chance) / (total**2 - by_chance)
        return kappa
