"""Prototypes whose scores are centred and sharpened (DINO, arXiv:2104.14294)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_registry import CLUSTERING
from pixvox_zoo.directions import Directions


@CLUSTERING.register
class Centering(nn.Module):
    """Scores are cosines to learned directions; assignments are softmax((scores - centre) / tau).

    The centre, a running mean of the target's scores, keeps one prototype from winning all; the
    low temperature keeps all from sharing alike.

    Args:
        prototypes: K.
        temperature: tau of the target; the predicting side's is the loss's.
        momentum: of the centre.
    """

    refits = None
    centre: Tensor

    def __init__(
        self,
        num_features: int,
        *,
        prototypes: int = 128,
        temperature: float = 0.04,
        momentum: float = 0.9,
    ) -> None:
        super().__init__()
        self.num_clusters = prototypes
        self.temperature = temperature
        self.momentum = momentum
        self.prototypes = Directions(num_features, prototypes)
        self.register_buffer("centre", torch.zeros(prototypes))

    def scores(self, z: Tensor) -> Tensor:
        """``[V, B, E] -> [1, V, B, K]``."""
        cosines: Tensor = self.prototypes(z)
        return cosines[None]

    def assign(self, z: Tensor, index: Tensor, queue: Tensor | None) -> Tensor:
        """``[G, B, E] -> [1, G, B, K]``."""
        return ((self.scores(z) - self.centre) / self.temperature).softmax(-1)

    def groups(self, index: Tensor) -> Tensor | None:
        """None: a case has no cluster but in a batch."""
        return None

    def update(self, z: Tensor) -> None:
        """The centre follows the mean score of ``[G, B, E]``; directions become unit again."""
        self.centre.lerp_(self.scores(z).mean((0, 1, 2)), 1 - self.momentum)
        self.prototypes.renormalise()

    def refit(self, bank: Tensor, filled: Tensor) -> None:
        """Nothing: prototypes are learned."""
