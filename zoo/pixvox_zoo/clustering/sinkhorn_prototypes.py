"""Prototypes that a batch fills alike (SwAV, arXiv:2006.09882)."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from pixvox_registry import CLUSTERING
from pixvox_zoo.directions import Directions
from pixvox_zoo.sinkhorn import sinkhorn


@CLUSTERING.register
class SinkhornPrototypes(nn.Module):
    """Learned directions; scores are cosines, assignments come from Sinkhorn over the global batch.

    Args:
        prototypes: K.
        epsilon: weight of the entropy in Sinkhorn.
        iterations: of Sinkhorn.
    """

    refits = None

    def __init__(
        self,
        num_features: int,
        *,
        prototypes: int = 128,
        epsilon: float = 0.05,
        iterations: int = 3,
    ) -> None:
        super().__init__()
        self.num_clusters = prototypes
        self.epsilon = epsilon
        self.iterations = iterations
        self.prototypes = Directions(num_features, prototypes)

    def scores(self, z: Tensor) -> Tensor:
        """``[V, B, E] -> [1, V, B, K]``, cosines."""
        cosines: Tensor = self.prototypes(z)
        return cosines[None]

    def assign(self, z: Tensor, index: Tensor, queue: Tensor | None) -> Tensor:
        """``[G, B, E] -> [1, G, B, K]``; the queue helps to balance and is not assigned."""
        rows = z if queue is None else torch.cat([z, queue.to(z.dtype)], 1)
        if rows.shape[1] < self.num_clusters:
            warnings.warn(
                f"sinkhorn_prototypes: {rows.shape[1]} rows of batch and queue cannot fill "
                f"{self.num_clusters} prototypes; give a queue, or fewer prototypes.",
                stacklevel=2,
            )
        scores = self.scores(rows)
        codes = sinkhorn(scores, epsilon=self.epsilon, iterations=self.iterations)
        return codes[:, :, : z.shape[1]]

    def groups(self, index: Tensor) -> Tensor | None:
        """None: a case has no cluster but in a batch."""
        return None

    def update(self, z: Tensor) -> None:
        """Prototypes come back to unit length."""
        self.prototypes.renormalise()

    def refit(self, bank: Tensor, filled: Tensor) -> None:
        """Nothing: prototypes are learned."""
