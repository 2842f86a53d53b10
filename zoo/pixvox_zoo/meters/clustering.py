"""Meter ``clustering``: k-means and Sinkhorn on a large bank, against scikit-learn's k-means."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pixvox_registry import METERS

ROWS, WIDTH, HEADS, CLUSTERS, ITERATIONS = 100_000, 128, 3, 300, 10


@METERS.register
def clustering(recipe: str | None, dims: int, seconds: float) -> list[dict[str, Any]]:
    """Seconds for one refit of several heads; scikit-learn fits as many, one after the other.

    Both begin with the same rows and go on for the same number of iterations. Recipe, dims and
    seconds change nothing: the bank is what it is.
    """
    import torch
    from sklearn.cluster import KMeans

    from pixvox_zoo.kmeans import spherical_kmeans
    from pixvox_zoo.sinkhorn import sinkhorn

    generator = torch.Generator().manual_seed(0)
    bank = torch.randn(ROWS, WIDTH, generator=generator)
    bank = torch.nn.functional.normalize(bank, dim=1)
    heads = bank.expand(HEADS, -1, -1)
    start = torch.stack(
        [torch.randperm(ROWS, generator=generator)[:CLUSTERS] for _ in range(HEADS)]
    )
    ours = lap(lambda: spherical_kmeans(heads, CLUSTERS, iterations=ITERATIONS, start=start))

    def theirs() -> None:
        for rows in start:
            KMeans(CLUSTERS, init=bank[rows].numpy(), n_init=1, max_iter=ITERATIONS, tol=0).fit(
                bank.numpy()
            )

    other = lap(theirs)
    scores = bank @ bank[start[0]].T
    balanced = lap(lambda: sinkhorn(scores, epsilon=0.05, iterations=ITERATIONS))
    size = f"{ROWS:,} x {WIDTH}, {CLUSTERS} clusters, {ITERATIONS} iterations"
    threads = f"{torch.get_num_threads()} threads"
    return [
        {
            "what": "kmeans_over_scikit_learn",
            "ours": ours,
            "other": other,
            "ratio": other / ours,
            "unit": f"s ({HEADS} heads, {size}, {threads})",
        },
        {
            "what": "sinkhorn",
            "ours": balanced,
            "other": None,
            "ratio": None,
            "unit": f"s (1 head, {size}, {threads})",
        },
    ]


def lap(action: Callable[[], object]) -> float:
    """Seconds of one call."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun
