"""Spherical k-means on whole banks, several heads at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

AT_ONCE = 1 << 24  # similarities in memory at a time


def spherical_kmeans(
    x: Tensor, clusters: int, *, iterations: int, start: Tensor
) -> tuple[Tensor, Tensor]:
    """Centroids of unit length and the nearest of each row, by cosine.

    An empty cluster keeps its centroid (as in the code of arXiv:2006.09882).

    Args:
        x: ``[H, R, E]``, of any length.
        start: ``[H, K]`` rows that the centroids begin with.

    Returns:
        ``[H, K, E]`` and ``[H, R]``.
    """
    x = F.normalize(x, dim=-1)
    centroids = x.gather(1, start[..., None].expand(-1, -1, x.shape[-1]))
    labels = nearest(x, centroids)
    for _ in range(iterations):
        sums = torch.zeros_like(centroids)
        sums.scatter_add_(1, labels[..., None].expand_as(x), x)
        empty = (sums == 0).all(-1, keepdim=True)
        centroids = torch.where(empty, centroids, F.normalize(sums, dim=-1))
        labels = nearest(x, centroids)
    return centroids, labels


def nearest(x: Tensor, centroids: Tensor) -> Tensor:
    """``[H, R, E], [H, K, E] -> [H, R]``: the centroid of the greatest cosine."""
    rows = max(1, AT_ONCE // (len(x) * centroids.shape[1]))
    found = [(piece @ centroids.mT).argmax(-1) for piece in x.split(rows, dim=1)]
    return torch.cat(found, 1)
