"""Share of cases decided rightly, as MedMNIST decides (arXiv:2110.14795)."""

from __future__ import annotations

from pixvox_benchmarks.label_by_label import scored
from pixvox_benchmarks.scorable import Classes, Floats, decided
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
    of_labels = "Mean over labels, each decided as class 1 of two."

    def __call__(self, probability: Floats, target: Classes, weight: Floats) -> Floats:
        """``[N, K], [N], [P, N] -> [P]``; of labels ``[N, L], [N, L]``.

        Raises:
            UserError: not scorable.
        """
        return scored(self._of_classes, probability, target, weight)

    def _of_classes(self, p: Floats, y: Classes, w: Floats) -> Floats:
        right = decided(p) == y
        share: Floats = w @ right / w.sum(1)
        return share
