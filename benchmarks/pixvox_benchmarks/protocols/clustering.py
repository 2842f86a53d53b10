"""k-means on frozen features, and labels for its clusters (as in arXiv:2209.12005)."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import davies_bouldin_score, silhouette_samples
from torch import Tensor
from torch.nn.functional import one_hot

from pixvox_benchmarks.learnable import learnable, predictable
from pixvox_benchmarks.standard import standard
from pixvox_registry import PROTOCOLS
from pixvox_registry.contracts import Predictions, Split
from pixvox_registry.elbow import elbow


@PROTOCOLS.register
class Clustering:
    """Features in train's standard units; clusters, their number and their labels are train's.

    A case is predicted to be of each class as often as train's cases of its cluster are, so its
    accuracy is that of the cluster's majority label (*mapped accuracy*). More clusters are purer:
    compare methods at their elbow, and beside it at as many clusters as classes
    (``clustering_by_classes``).

    Args:
        most: clusters to look for the elbow of the inertia among, from 2.
        otherwise: clusters where there is no elbow.
        starts: of k-means; the best one counts.
    """

    version = "1"
    metrics: tuple[str, ...] = ("accuracy", "hungarian_accuracy", "nmi", "ari", "silhouette")

    def __init__(self, most: int = 20, *, otherwise: int = 11, starts: int = 4) -> None:
        self.most = most
        self.otherwise = otherwise
        self.starts = starts

    def __call__(self, train: Split, val: Split, test: Callable[[], Split]) -> Predictions:
        """Clusters and labels from train; val is not used.

        Raises:
            UserError: train is empty or holds one class, or test is empty.
        """
        classes = learnable(train, val)
        centre, scale = standard(train.features)
        learnt = (train.features.double() - centre) / scale
        fit, chosen = self.fit(learnt, classes)
        labels = torch.from_numpy(fit.labels_).long()
        counts = (
            one_hot(labels, fit.n_clusters).double().T @ one_hot(train.target, classes).double()
        )
        shares = counts / counts.sum(1, keepdim=True)  # [K, classes]
        opened = test()
        predictable(opened, train)
        asked = (opened.features.double() - centre) / scale
        cluster = torch.from_numpy(fit.predict(asked.numpy())).long()
        columns = {"cluster": cluster, "silhouette": torch.zeros(len(cluster), dtype=torch.float64)}
        if 1 < len(cluster.unique()) < len(cluster):
            apart = silhouette_samples(asked.numpy(), cluster.numpy())
            columns["silhouette"] = torch.from_numpy(apart)
            chosen["davies_bouldin"] = float(davies_bouldin_score(asked.numpy(), cluster.numpy()))
        return Predictions(shares[cluster], opened.target, chosen, columns)

    def fit(self, features: Tensor, classes: int) -> tuple[KMeans, dict[str, float]]:
        """The k-means that is put to use, and what decided it: ``[N, D]``, not one label."""
        counts = range(2, self.most + 1)
        fits = [self.kmeans(features, count) for count in counts]
        found = elbow([fit.inertia_ for fit in fits])
        fit = self.kmeans(features, self.otherwise) if found is None else fits[found]
        return fit, {"clusters": fit.n_clusters, "inertia": float(fit.inertia_)}

    def kmeans(self, features: Tensor, clusters: int) -> KMeans:
        """Of no more clusters than there are different cases."""
        clusters = min(clusters, len(features.unique(dim=0)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return KMeans(clusters, n_init=self.starts, random_state=0).fit(features.numpy())
