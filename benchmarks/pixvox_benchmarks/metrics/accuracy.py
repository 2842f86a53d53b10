"""Share of cases decided rightly, as MedMNIST decides (arXiv:2110.14795)."""

from __future__ import annotations

from pixvox_benchmarks.scorable import Classes, Floats, decided, scorable
from pixvox_registry import METRICS


@METRICS.register
class Accuracy:
    """Two classes: class 1 is decided if its probability is above .5; .5 itself is class 0.

    More: the class of highest probability, the first one among equals.
    """

    version = "1"
    higher_is_better = True
    stratified = False
    range = (0.0, 1.0)
    conventions = "A class without test cases counts for nothing; a split of one class is refused."

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``.

        Raises:
            UserError: not scorable.
        """
        p, y, w = scorable(probability, target, weight)
        right = decided(p) == y
        share: Floats = w @ right / w.sum(1)
        return share
