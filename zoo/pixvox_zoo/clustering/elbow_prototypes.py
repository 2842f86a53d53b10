"""Prototypes from k-means at its elbow, which then follow their cases (arXiv:2209.12005)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import CLUSTERING
from pixvox_registry.elbow import elbow
from pixvox_registry.errors import UserError
from pixvox_zoo.directions import Directions
from pixvox_zoo.kmeans import spherical_kmeans, sums_of


@CLUSTERING.register
class ElbowPrototypes(nn.Module):
    """Directions that begin as centroids of the bank and move with the mean of their cases.

    Scores are cosines, so prototypes and embeddings meet on one sphere. Of the ``most`` prototypes
    those beyond the elbow rest: their score is -1, the least that a cosine can be, and no case is
    theirs.

    Args:
        most: K, and the number of clusters to look for the elbow of the inertia up to.
        clusters: how many are in use; 0 leaves it to the elbow.
        otherwise: how many where there is no elbow.
        momentum: share of a prototype that a step leaves in place.
        starts: of k-means for each number of clusters; the best one counts.
        iterations: of k-means.

    Raises:
        UserError: more clusters than ``most``, or fewer than two to look at.
    """

    refits = "stage"
    live: Tensor

    def __init__(
        self,
        num_features: int,
        *,
        most: int = 20,
        clusters: int = 0,
        otherwise: int = 11,
        momentum: float = 0.95,
        starts: int = 4,
        iterations: int = 20,
    ) -> None:
        super().__init__()
        if max(clusters, otherwise) > most or min(most, otherwise) < 2:
            raise UserError(
                f"elbow_prototypes has room for {most}; {max(clusters, otherwise)} are asked for. "
                "Set most."
            )
        self.num_clusters = most
        self.clusters = clusters
        self.otherwise = otherwise
        self.momentum = momentum
        self.starts = starts
        self.iterations = iterations
        self.prototypes = Directions(num_features, most)
        self.register_buffer("live", torch.ones(most, dtype=torch.bool))

    def scores(self, z: Tensor) -> Tensor:
        """``[V, B, E] -> [1, V, B, K]``, cosines."""
        cosines: Tensor = self.prototypes(z)
        return cosines.masked_fill(~self.live, -1.0)[None]

    def assign(self, z: Tensor, index: Tensor, queue: Tensor | None) -> Tensor:
        """``[G, B, E] -> [1, G, B, K]``: the nearest prototype."""
        nearest = self.scores(z).argmax(-1)
        return F.one_hot(nearest, self.num_clusters).to(z.dtype)

    def groups(self, index: Tensor) -> Tensor | None:
        """None: a case has no cluster but in a batch."""
        return None

    def update(self, z: Tensor) -> None:
        """Each prototype that has cases among ``[G, B, E]`` follows their mean."""
        rows = F.normalize(z.flatten(0, 1), dim=-1)
        nearest = self.scores(rows[None])[0, 0].argmax(-1)
        sums = sums_of(rows[None], nearest[None], self.num_clusters)[0]
        means = F.normalize(sums, dim=-1)
        directions = self.prototypes.directions
        moved = F.normalize(directions.lerp(means, 1 - self.momentum), dim=-1)
        directions.copy_(torch.where((sums != 0).any(-1, keepdim=True), moved, directions))

    def refit(self, bank: Tensor, filled: Tensor) -> None:
        """k-means of ``[G, R, E]`` where filled ``[R]``; of several views, of their mean.

        Raises:
            UserError: fewer cases than clusters.
        """
        x = F.normalize(F.normalize(bank[:, filled], dim=-1).mean(0), dim=-1)  # [R, E]
        wanted = max(2, self.clusters)
        if len(x) < wanted:
            raise UserError(
                f"elbow_prototypes wants {wanted} clusters of {len(x)} cases; set fewer."
            )
        centroids = self._centroids(x)
        self.live.fill_(False)
        self.live[: len(centroids)] = True
        with torch.no_grad():
            self.prototypes.directions[: len(centroids)] = centroids

    def _centroids(self, x: Tensor) -> Tensor:
        """``[R, E] -> [K', E]``, as many as are asked for or as the elbow says."""
        if self.clusters:
            return self._best(x, self.clusters)[0]
        most = min(self.num_clusters, len(x))
        found = [self._best(x, clusters) for clusters in range(2, most + 1)]
        place = elbow([inertia for _, inertia in found])
        return found[min(self.otherwise, most) - 2 if place is None else place][0]

    def _best(self, x: Tensor, clusters: int) -> tuple[Tensor, float]:
        """Centroids ``[K', E]`` of the best start, and their inertia (1 - cosine, summed)."""
        drawn = [torch.randperm(len(x))[:clusters] for _ in range(self.starts)]
        centroids, labels = spherical_kmeans(
            x.expand(self.starts, -1, -1),
            clusters,
            iterations=self.iterations,
            start=torch.stack(drawn).to(x.device),
        )
        own = centroids.gather(1, labels[..., None].expand(-1, -1, x.shape[1]))
        inertia = (1 - (own * x).sum(-1)).sum(1)
        best = int(inertia.argmin())
        return centroids[best], float(inertia[best])
