"""Labels from k-means on a bank, anew every epoch (DeepCluster-v2, arXiv:2006.09882, appendix)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import CLUSTERING
from pixvox_registry.errors import UserError
from pixvox_zoo.kmeans import spherical_kmeans


@CLUSTERING.register
class KMeansBank(nn.Module):
    """H heads of K centroids, of unit length and without gradient; a case keeps one label a head.

    Heads take the banks of the views in turn, so that none follows one view alone. A case that the
    bank lacks has no label and is ignored.

    Args:
        rows: cases or slices of each stream; the labels have room for the longest.
        clusters: K.
        heads: H.
        iterations: of k-means at each refit.
    """

    refits = "epoch"
    centroids: Tensor
    labels: Tensor

    def __init__(
        self,
        num_features: int,
        rows: Mapping[str, int],
        *,
        clusters: int = 64,
        heads: int = 3,
        iterations: int = 10,
    ) -> None:
        super().__init__()
        self.num_clusters = clusters
        self.iterations = iterations
        start = F.normalize(torch.randn(heads, clusters, num_features), dim=-1)
        self.register_buffer("centroids", start)
        self.register_buffer("labels", torch.full((heads, max(rows.values())), -1))

    def scores(self, z: Tensor) -> Tensor:
        """``[V, B, E] -> [H, V, B, K]``."""
        return torch.einsum("vbe,hke->hvbk", F.normalize(z, dim=-1), self.centroids)

    def assign(self, z: Tensor, index: Tensor, queue: Tensor | None) -> Tensor:
        """``[B] -> [H, 1, B, K]``: the same for every view; zeros where a case has no label."""
        label = self.labels[:, index]
        codes = z.new_zeros(*label.shape, self.num_clusters)
        known = (label >= 0)[..., None].to(z.dtype)
        return codes.scatter_(2, label.clamp(min=0)[..., None], known)[:, None]

    def groups(self, index: Tensor) -> Tensor:
        """``[B] -> [H, B]``: one level a head."""
        return self.labels[:, index]

    def update(self, z: Tensor) -> None:
        """Nothing: centroids move at the next refit."""

    def refit(self, bank: Tensor, filled: Tensor) -> None:
        """k-means on ``[G, R, E]`` where filled ``[R]``; the caller seeds the start.

        Raises:
            UserError: fewer cases than clusters.
        """
        rows = filled.nonzero().flatten()
        if len(rows) < self.num_clusters:
            raise UserError(
                f"kmeans_bank wants {self.num_clusters} clusters of {len(rows)} cases; set fewer."
            )
        heads = len(self.centroids)
        view = torch.arange(heads, device=bank.device) % len(bank)
        x = bank[:, rows][view]  # [H, R, E]
        drawn = torch.stack([torch.randperm(len(rows))[: self.num_clusters] for _ in range(heads)])
        found, labels = spherical_kmeans(
            x, self.num_clusters, iterations=self.iterations, start=drawn.to(bank.device)
        )
        self.centroids.copy_(found)
        self.labels.fill_(-1)
        self.labels[:, rows] = labels
