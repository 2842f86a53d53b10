"""k-means on frozen features, and labels for its clusters (as in arXiv:2209.12005)."""

from __future__ import annotations

from collections.abc import Callable

from sklearn.cluster import KMeans
from torch import Tensor

from pixvox_benchmarks.clustered import kmeans, predict
from pixvox_registry import PROTOCOLS
from pixvox_registry.elbow import elbow
from pixvox_registry.measuring import Predictions, Split


@PROTOCOLS.register
class Clustering:
    """As many clusters as the elbow of the inertia says; accuracy is that of majority labels.

    More clusters are purer: compare methods at their elbow, and beside it at as many clusters as
    classes (``clustering_by_classes``).

    Args:
        most: clusters to look for the elbow among, from 2.
        otherwise: clusters where there is no elbow.
        starts: of k-means; the best one counts.
    """

    version = "1"
    metrics = ("accuracy", "hungarian_accuracy", "nmi", "ari", "silhouette")

    def __init__(self, most: int = 20, *, otherwise: int = 11, starts: int = 4) -> None:
        self.most = most
        self.otherwise = otherwise
        self.starts = starts

    def __call__(self, train: Split, val: Split, test: Callable[[], Split]) -> Predictions:
        """Clusters and labels from train.

        Raises:
            UserError: train is empty or holds one class, or test is empty.
        """
        return predict(self._at_the_elbow, train, val, test)

    def _at_the_elbow(self, features: Tensor, classes: int) -> KMeans:
        fits = kmeans(features, range(2, self.most + 1), starts=self.starts)
        place = elbow([fit.inertia_ for fit in fits])
        if place is None:
            (fit,) = kmeans(features, [self.otherwise], starts=self.starts)
            return fit
        return fits[place]
