"""Pseudo-classes from Ward's hierarchy of a bank, cut at several levels (arXiv:2211.08557)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import CLUSTERING
from pixvox_registry.errors import UserError


@CLUSTERING.register
class Agglomerative(nn.Module):
    """Clusters that are nested: each level is a cut of the same dendrogram.

    Embeddings are brought to unit length and reduced by PCA, then Ward's method joins whatever
    adds least variance. A hierarchy of all cases needs memory of their number squared, so beyond
    ``most`` it joins k-means centroids in their stead. A case that the bank lacks has no cluster.

    Args:
        rows: cases or slices of each stream; the labels have room for the longest.
        levels: numbers of clusters, coarse to fine.
        components: of the PCA at most; 0 leaves it out.
        most: cases up to which the hierarchy is theirs.
        centroids: of the k-means beyond.

    Raises:
        UserError: levels that do not ascend.
    """

    refits = "stage"
    means: Tensor
    labels: Tensor
    linkage: Tensor

    def __init__(
        self,
        num_features: int,
        rows: Mapping[str, int],
        *,
        levels: Sequence[int] = (8, 64),
        components: int = 32,
        most: int = 20_000,
        centroids: int = 2_000,
    ) -> None:
        super().__init__()
        if (
            not levels
            or min(levels) < 1
            or any(fine <= coarse for coarse, fine in pairwise(levels))
        ):
            raise UserError(
                f"agglomerative wants levels that ascend from 1, coarse to fine; they are {levels}."
            )
        self.levels = tuple(levels)
        self.num_clusters = levels[-1]
        self.components, self.most, self.centroids = components, most, centroids
        cases = max(rows.values())
        leaves = cases if cases <= most else centroids
        self.register_buffer("means", torch.zeros(self.num_clusters, num_features))
        self.register_buffer("labels", torch.full((len(levels), cases), -1))
        # As scipy.cluster.hierarchy has it, for dendrograms; zeros where there is nothing to join.
        self.register_buffer("linkage", torch.zeros(leaves - 1, 4, dtype=torch.float64))

    def scores(self, z: Tensor) -> Tensor:
        """``[V, B, E] -> [1, V, B, K]``: cosines to the means of the finest level."""
        return (F.normalize(z, dim=-1) @ F.normalize(self.means, dim=-1).T)[None]

    def assign(self, z: Tensor, index: Tensor, queue: Tensor | None) -> Tensor:
        """``[B] -> [1, 1, B, K]``: the finest level, one for all views; zeros without a cluster."""
        label = self.labels[-1, index]
        codes = z.new_zeros(len(label), self.num_clusters)
        known = (label >= 0)[:, None].to(z.dtype)
        return codes.scatter_(1, label.clamp(min=0)[:, None], known)[None, None]

    def groups(self, index: Tensor) -> Tensor:
        """``[B] -> [L, B]``, coarse to fine."""
        return self.labels[:, index]

    def update(self, z: Tensor) -> None:
        """Nothing: clusters are anew at the next refit."""

    def refit(self, bank: Tensor, filled: Tensor) -> None:
        """The hierarchy of ``[G, R, E]`` where filled ``[R]``; of several views, of their mean.

        Raises:
            UserError: fewer cases than clusters.
        """
        rows = filled.nonzero().flatten()
        if len(rows) < self.num_clusters:
            raise UserError(
                f"agglomerative wants {self.num_clusters} clusters of {len(rows)} cases; set fewer."
            )
        x = F.normalize(F.normalize(bank[:, rows], dim=-1).mean(0), dim=-1)
        joined, labels = self._hierarchy(x.double().cpu().numpy())
        self.linkage.zero_()
        self.linkage[: len(joined)] = torch.from_numpy(joined).to(self.linkage.device)
        self.labels.fill_(-1)
        self.labels[:, rows] = torch.from_numpy(labels).to(rows.device)
        members = F.one_hot(self.labels[-1, rows], self.num_clusters).to(x.dtype)
        self.means.copy_(members.T @ x / members.sum(0).clamp(min=1)[:, None])

    def _hierarchy(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``[N, E] ->`` the joints ``[leaves - 1, 4]`` and labels ``[L, N]``."""
        from scipy.cluster.hierarchy import fcluster, linkage

        x = self._reduced(x)
        leaf = np.arange(len(x))
        if len(x) > self.most:
            x, leaf = self._condensed(x)
        joined = linkage(x, "ward")
        cuts = [fcluster(joined, level, "maxclust") - 1 for level in self.levels]
        return joined, np.stack(cuts)[:, leaf].astype(np.int64)

    def _reduced(self, x: np.ndarray) -> np.ndarray:
        from sklearn.decomposition import PCA

        if not 0 < self.components < min(x.shape):
            return x
        reduced: np.ndarray = PCA(self.components, svd_solver="full").fit_transform(x)
        return reduced

    def _condensed(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centroids that stand for many cases, and which one stands for each."""
        from sklearn.cluster import MiniBatchKMeans

        seed = int(torch.randint(1 << 31, ()))  # the caller has seeded torch
        fit = MiniBatchKMeans(self.centroids, n_init=1, random_state=seed).fit(x)
        return fit.cluster_centers_, fit.labels_
