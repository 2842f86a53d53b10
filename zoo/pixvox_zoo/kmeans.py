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
        sums = sums_of(x, labels, clusters)
        empty = (sums == 0).all(-1, keepdim=True)
        centroids = torch.where(empty, centroids, F.normalize(sums, dim=-1))
        labels = nearest(x, centroids)
    return centroids, labels


def nearest(x: Tensor, centroids: Tensor) -> Tensor:
    """``[H, R, E], [H, K, E] -> [H, R]``: the centroid of the greatest cosine."""
    pieces = x.split(_rows_at_once(x, centroids.shape[1]), dim=1)
    return torch.cat([(piece @ centroids.mT).argmax(-1) for piece in pieces], 1)


def sums_of(x: Tensor, labels: Tensor, clusters: int) -> Tensor:
    """``[H, R, E], [H, R] -> [H, K, E]``: the sum of each cluster's rows.

    As products with zeros and ones: to scatter would be quicker, and on CUDA the order of its
    additions, and so the bits, would change from run to run and from rank to rank.
    """
    sums = x.new_zeros(len(x), clusters, x.shape[2])
    rows = _rows_at_once(x, clusters)
    for piece, mine in zip(x.split(rows, dim=1), labels.split(rows, dim=1), strict=True):
        member = x.new_zeros(*mine.shape, clusters).scatter_(2, mine[..., None], 1.0)
        sums += member.mT @ piece
    return sums


def _rows_at_once(x: Tensor, clusters: int) -> int:
    return max(1, AT_ONCE // (len(x) * clusters))
