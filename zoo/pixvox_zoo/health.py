"""Health: is the representation alive, how many dimensions does it use, what can it tell apart?"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pixvox_registry.draws import generator
from pixvox_zoo.feed import Feed

CASES = 512  # looked at, at most
COLLAPSED_STD, COLLAPSED_RANK = 0.05, 1.5  # an untrained ViT's rank can be 2


def spread(embedding: Tensor) -> float:
    """Mean standard deviation of the normalised embedding times sqrt(E): 1 isotropic, 0 collapsed.

    ``[R, E] -> number`` (arXiv:2011.10566, section 4.1).
    """
    z = nn.functional.normalize(embedding.float(), dim=-1)
    return float(z.std(0).mean() * z.shape[1] ** 0.5)


def rankme(features: Tensor) -> float:
    """RankMe: the exponential of the entropy of the singular values, ``[R, D] -> number``.

    arXiv:2210.02885, equation 1.
    """
    sigma = torch.linalg.svdvals(features.double())
    p = sigma / sigma.sum().clamp(min=1e-300) + 1e-7
    return float(torch.exp(-(p * p.log()).sum()))


def occupancy(assignments: Tensor) -> float:
    """Share of clusters in use: the exponential of the entropy of how many cases each one wins.

    ``[H, G, B, K] -> number``, that of the worst head: 1 where all clusters, or as many as there
    are cases, win alike; 1 / K where one wins everything. Soft shares would not tell: Sinkhorn's
    are alike by construction.
    """
    heads, _, _, clusters = assignments.shape
    winners = assignments.argmax(-1).flatten(1)  # [H, G B]
    counts = torch.zeros(heads, clusters, device=winners.device, dtype=torch.float64)
    counts.scatter_add_(1, winners, torch.ones_like(winners, dtype=torch.float64))
    share = counts / counts.sum(1, keepdim=True)
    effective = (-(share * share.clamp(min=1e-12).log()).sum(1)).exp()
    return float((effective / min(clusters, winners.shape[1])).min())


def knn_accuracy(
    bank: Tensor, labels: Tensor, queries: Tensor, answers: Tensor, k: int = 20
) -> float:
    """Share of queries whose k nearest (cosine) vote right: ``[R, D], [R], [Q, D], [Q]``."""
    cosine = nn.functional.normalize(queries, dim=-1) @ nn.functional.normalize(bank, dim=-1).T
    nearest = labels[cosine.topk(min(k, len(bank)), dim=1).indices]  # [Q, k]
    votes = nn.functional.one_hot(nearest, int(labels.max()) + 1).sum(1)  # [Q, K]
    return float((votes.argmax(1) == answers).double().mean())


@torch.no_grad()
def examine(backbone: nn.Module, feed: Feed, cases: int = CASES) -> dict[str, float]:
    """RankMe, spread of the features, and kNN accuracy on a held-out fifth of some cases.

    The cases are the same at every call. Accuracy only where cases have a class; it guides the eye
    and selects nothing.
    """
    stream = generator(feed.seed, "health")
    rows = torch.randperm(len(feed.cases), generator=stream)[:cases]
    features = embed(backbone, feed, rows)
    found = {"rankme": rankme(features), "feature_std": spread(features)}
    if "class" in feed.labels and len(rows) >= 10:
        labels = feed.labels["class"][rows.to(feed.device)]
        fifth = len(rows) // 5
        bank, queries = features[fifth:], features[:fifth]
        found["knn_accuracy"] = knn_accuracy(bank, labels[fifth:], queries, labels[:fifth])
    return found


@torch.no_grad()
def embed(backbone: nn.Module, feed: Feed, rows: Tensor) -> Tensor:
    """Pooled features of some cases in eval mode: ``[R] -> [R, D]``."""
    was_training = backbone.training
    backbone.eval()
    try:
        pieces = []
        for piece in rows.split(256):
            stored = feed.images[piece.to(feed.images.device)].to(feed.device)
            pieces.append(backbone(feed.intensity.standardise(stored)).pooled.float())
    finally:
        backbone.train(was_training)
    return torch.cat(pieces)


def is_collapsed(figures: Mapping[str, float]) -> bool:
    """Has the embedding shrunk to a point, or the features to little more than one dimension?"""
    return (
        figures.get("embedding_std", 1.0) < COLLAPSED_STD
        or figures.get("rankme", 1e9) < COLLAPSED_RANK
    )
