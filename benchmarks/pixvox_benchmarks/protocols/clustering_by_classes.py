"""k-means with as many clusters as classes, each of which can be one."""

from __future__ import annotations

from collections.abc import Callable

from sklearn.cluster import KMeans
from torch import Tensor

from pixvox_benchmarks.clustered import kmeans, predict
from pixvox_registry import PROTOCOLS
from pixvox_registry.measuring import Predictions, Split


@PROTOCOLS.register
class ClusteringByClasses:
    """What Hungarian accuracy is meant for; the number of classes is all it knows of labels.

    Args:
        starts: of k-means; the best one counts.
    """

    version = "1"
    metrics = ("hungarian_accuracy", "accuracy", "nmi", "ari", "silhouette")

    def __init__(self, *, starts: int = 4) -> None:
        self.starts = starts

    def __call__(self, train: Split, val: Split, test: Callable[[], Split]) -> Predictions:
        """Clusters and labels from train.

        Raises:
            UserError: train is empty or holds one class, or test is empty.
        """
        return predict(self._fit, train, val, test)

    def _fit(self, features: Tensor, classes: int) -> KMeans:
        (fit,) = kmeans(features, [classes], starts=self.starts)
        return fit
