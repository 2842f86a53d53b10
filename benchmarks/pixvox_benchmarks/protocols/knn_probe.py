"""k nearest neighbours by cosine, votes weighted by closeness (Wu et al., arXiv:1805.01978)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from pixvox_benchmarks.learnable import learnable, predictable
from pixvox_benchmarks.standard import standard
from pixvox_registry import PROTOCOLS
from pixvox_registry.measuring import Predictions, Split

AT_ONCE = 1024  # test cases per table of similarities


@PROTOCOLS.register
class KnnProbe:
    """Features in train's standard units; k and temperature are fixed, so nothing is chosen.

    Cosines of raw features, all above zero after a ReLU, say little: cross-validation on train and
    val of three datasets preferred standard units, and these 50 neighbours to 20, for SimCLR and
    Barlow Twins on each of them.

    Each label is voted on by itself, where several may hold.
    A class without a neighbour gets probability 0. No floor is added: it could break no tie, and
    AUC counts cases that tie at 0 or at 1 half, so it is defined wherever both classes are tested.

    Args:
        neighbours: k; all of train where it has fewer.
        temperature: closeness s votes with weight exp(s / temperature).
    """

    version = "2"
    answers = ("classes", "labels")

    def __init__(self, neighbours: int = 50, *, temperature: float = 0.07) -> None:
        self.neighbours = neighbours
        self.temperature = temperature

    def __call__(self, train: Split, val: Split, test: Callable[[], Split]) -> Predictions:
        """Neighbours in train; val is not used.

        Raises:
            UserError: train is empty or holds one class, or test is empty.
        """
        classes = learnable(train, val, labels=True)
        centre, scale = standard(train.features)
        stored = normalize((train.features.double() - centre) / scale, dim=1)  # [N, D]
        several = train.target.ndim == 2
        labels = (train.target if several else one_hot(train.target, classes)).double()  # [N, K]
        k = min(self.neighbours, len(stored))
        opened = test()
        predictable(opened, train)
        asked = normalize((opened.features.double() - centre) / scale, dim=1)
        pieces = [self._votes(x, stored, labels, k) for x in asked.split(AT_ONCE)]
        chosen = {"neighbours": k, "temperature": self.temperature}
        return Predictions(torch.cat(pieces), opened.target, chosen)

    def _votes(self, asked: Tensor, stored: Tensor, labels: Tensor, k: int) -> Tensor:
        """``[B, D], [N, D], [N, K] -> [B, K]``; rows of unit length."""
        closeness = asked @ stored.T  # [B, N]
        nearest = closeness.topk(k, dim=1)
        weight = (nearest.values / self.temperature).softmax(1)  # [B, k]
        return torch.einsum("bk,bkc->bc", weight, labels[nearest.indices])
