"""Meter ``linear_probe``: a grid of logistic regressions against scikit-learn's, one by one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pixvox_registry import METERS

if TYPE_CHECKING:
    from torch import Tensor

CASES, WIDTH, PENALTIES, SEEDS, FOLDS = 4708, 512, 45, 3, 5  # PneumoniaMNIST by ResNet-18


@METERS.register
def linear_probe(recipe: str | None, dims: int, seconds: float) -> list[dict[str, Any]]:
    """Seconds for 45 penalties x 3 seeds x 5 folds, two classes and four.

    Ours is the median of three runs. Scikit-learn, at its default settings on the same float32
    matrix, is timed on an even sample of the grid and scaled up, with as many threads as it likes
    and with one; the faster counts.
    """
    from statistics import median

    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rows = []
    for classes in (2, 4):
        features, target, weights, c = grid(classes=classes)
        ours = median(_seconds_of_ours(features, target, weights, c, classes) for _ in range(3))
        free, fits = seconds_of_sklearn(features, target, weights, c, seconds / 2)
        with threadpool_limits(1):
            single, more = seconds_of_sklearn(features, target, weights, c, seconds / 2)
        other = min(free, single)
        unit = (
            f"s for {c.numel() * len(weights)} fits of [{CASES}, {WIDTH}] float32, "
            f"{torch.get_num_threads()} threads; scikit-learn scaled up from {fits} and {more} fits"
        )
        row = {"what": f"linear_probe_grid_{classes}_classes", "ours": ours, "other": other}
        rows.append({**row, "ratio": other / ours, "unit": unit})
    return rows


def grid(
    cases: int = CASES, *, width: int = WIDTH, classes: int = 2
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``features [N, D], target [N], weights [M, N], C [L]`` as a linear probe meets them.

    Features have the spectrum that a random ResNet-18 gives to PneumoniaMNIST (by eye: a few strong
    directions, then a decay by e every ninth of the width); labels follow them with noise.
    """
    import torch

    random = torch.Generator().manual_seed(0)
    j = torch.arange(1, width + 1)
    hidden = torch.randn(cases, width, generator=random)
    turned = torch.linalg.qr(torch.randn(width, width, generator=random)).Q
    features = hidden * (5 * torch.exp(-9 * j / width) + 145 / j**3).sqrt() @ turned
    features = (features - features.mean(0)) / features.std(0)
    slope = torch.randn(width, classes, generator=random) * 2 / j[:, None].sqrt()
    noise = -torch.log(torch.empty(cases, classes).exponential_(generator=random))
    target = (hidden @ slope + noise).argmax(1)
    dealt = torch.stack([torch.randperm(cases, generator=random) % FOLDS for _ in range(SEEDS)])
    weights = (dealt[:, None] != torch.arange(FOLDS)[:, None]).flatten(0, 1).float()  # [15, N]
    return features, target, weights, torch.logspace(-6, 5, PENALTIES, dtype=torch.float64)


def seconds_of_sklearn(
    features: Tensor, target: Tensor, weights: Tensor, c: Tensor, seconds: float
) -> tuple[float, int]:
    """Time of the whole grid, from every fifth penalty on as many folds as the time allows."""
    import warnings

    from sklearn.linear_model import LogisticRegression

    sample = c[2::5].tolist()
    start, fits = time.perf_counter(), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stops after 100 steps, converged or not, and says so
        for weight in weights:
            x, y = features[weight > 0].numpy(), target[weight > 0].numpy()
            for strength in sample:
                LogisticRegression(C=strength).fit(x, y)
            fits += len(sample)
            if time.perf_counter() - start > seconds:
                break
    return (time.perf_counter() - start) / fits * c.numel() * len(weights), fits


def _seconds_of_ours(
    features: Tensor, target: Tensor, weights: Tensor, c: Tensor, classes: int
) -> float:
    from pixvox_benchmarks.logistic import fit

    start = time.perf_counter()
    fit(features, target, weights, c, classes=classes)
    return time.perf_counter() - start
