"""Clusters of frozen features: fitted and named on train, then looked up for test."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import torch
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import davies_bouldin_score, silhouette_samples
from torch import Tensor
from torch.nn.functional import one_hot

from pixvox_benchmarks.learnable import learnable, predictable
from pixvox_benchmarks.standard import standard
from pixvox_registry.measuring import Predictions, Split


def predict(
    fit: Callable[[Tensor, int], KMeans], train: Split, val: Split, test: Callable[[], Split]
) -> Predictions:
    """A case is of each class as often as train's cases of its cluster are; val is not used.

    Features are in train's standard units. Columns of test: ``cluster`` and ``silhouette``.

    Args:
        fit: clusters of ``[N, D]`` and the number of classes; it never sees a label.

    Raises:
        UserError: train is empty or holds one class, or test is empty.
    """
    classes = learnable(train, val)
    centre, scale = standard(train.features)
    fitted = fit((train.features.double() - centre) / scale, classes)
    own = one_hot(torch.from_numpy(fitted.labels_).long(), fitted.n_clusters).double()  # [N, K]
    counts = own.T @ one_hot(train.target, classes).double()
    shares = counts / counts.sum(1, keepdim=True)  # [K, classes]
    chosen = {"clusters": fitted.n_clusters, "inertia": float(fitted.inertia_)}
    opened = test()
    predictable(opened, train)
    asked = ((opened.features.double() - centre) / scale).numpy()
    cluster = fitted.predict(asked)
    apart = torch.zeros(len(cluster), dtype=torch.float64)
    if 1 < len(set(cluster.tolist())) < len(cluster):
        apart = torch.from_numpy(silhouette_samples(asked, cluster)).double()
        chosen["davies_bouldin"] = float(davies_bouldin_score(asked, cluster))
    rows = torch.from_numpy(cluster).long()
    return Predictions(shares[rows], opened.target, chosen, {"cluster": rows, "silhouette": apart})


def kmeans(features: Tensor, counts: Sequence[int], *, starts: int) -> list[KMeans]:
    """One fit of ``[N, D]`` for each number of clusters, none beyond the number of unlike cases."""
    unlike = len(features.unique(dim=0))
    table = features.numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return [
            KMeans(count, n_init=starts, random_state=0).fit(table)
            for count in sorted({min(count, unlike) for count in counts})
        ]
