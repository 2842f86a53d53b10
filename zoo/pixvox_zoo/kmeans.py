"""Spherical k-means on whole banks, several heads at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

AT_ONCE = 1 << 24  # similarities in memory at a time
IN_CACHE = 1 << 18  # those of a CPU, where a product that stays in its cache costs half


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
    rows = _rows_at_once(centroids)
    return torch.stack(
        [
            torch.cat([(piece @ of_head.T).argmax(1) for piece in bank.split(rows)])
            for bank, of_head in zip(x, centroids, strict=True)
        ]
    )


def sums_of(x: Tensor, labels: Tensor, clusters: int) -> Tensor:
    """``[H, R, E], [H, R] -> [H, K, E]``: the sum of each cluster's rows, every time the same bits.

    A scatter is many times quicker, but it adds in order on CPU alone. Elsewhere the order, and so
    the bits, would change from run to run and from rank to rank.
    """
    return (scattered if x.device.type == "cpu" else multiplied)(x, labels, clusters)


def scattered(x: Tensor, labels: Tensor, clusters: int) -> Tensor:
    """Sums by adding each row where its label points."""
    sums = x.new_zeros(len(x), clusters, x.shape[2])
    for mine, rows, of_rows in zip(sums, x, labels, strict=True):
        mine.scatter_add_(0, of_rows[:, None].expand_as(rows), rows)
    return sums


def multiplied(x: Tensor, labels: Tensor, clusters: int) -> Tensor:
    """Sums as products with zeros and ones."""
    sums = x.new_zeros(len(x), clusters, x.shape[2])
    rows = _rows_at_once(sums)
    for piece, mine in zip(x.split(rows, dim=1), labels.split(rows, dim=1), strict=True):
        member = x.new_zeros(*mine.shape, clusters).scatter_(2, mine[..., None], 1.0)
        sums += member.mT @ piece
    return sums


def _rows_at_once(centroids: Tensor) -> int:
    similarities = IN_CACHE if centroids.device.type == "cpu" else AT_ONCE
    return max(1, similarities // centroids.shape[1])
