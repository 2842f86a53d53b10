"""Protocol ``clustering`` with as many clusters as there are classes."""

from __future__ import annotations

from sklearn.cluster import KMeans
from torch import Tensor

from pixvox_benchmarks.protocols.clustering import Clustering
from pixvox_registry import PROTOCOLS


@PROTOCOLS.register
class ClusteringByClasses(Clustering):
    """What Hungarian accuracy is meant for: each cluster can be one class.

    Args:
        starts: of k-means; the best one counts.
    """

    metrics = ("hungarian_accuracy", "accuracy", "nmi", "ari", "silhouette")

    def __init__(self, *, starts: int = 4) -> None:
        super().__init__(starts=starts)

    def fit(self, features: Tensor, classes: int) -> tuple[KMeans, dict[str, float]]:
        """k-means with the number of classes, the only thing that it knows of labels."""
        fit = self.kmeans(features, classes)
        return fit, {"clusters": fit.n_clusters, "inertia": float(fit.inertia_)}
