"""Meter ``linear_probe``: a grid of logistic regressions against scikit-learn's, one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pixvox_registry import METERS

if TYPE_CHECKING:
    from torch import Tensor

CASES, WIDTH, PENALTIES, SEEDS, FOLDS = 4708, 512, 45, 3, 5  # PneumoniaMNIST by ResNet-18


@METERS.register
def linear_probe(recipe: str | None, dims: int, seconds: float) -> list[dict[str, Any]]:
    """Seconds for 45 penalties x 3 seeds x 5 folds, two classes and four.

    Scikit-learn, at its default settings on the same float32 matrix, is timed on an even sample of
    the grid and scaled up. Both sides run with all threads and with one, and the faster counts:
    on a busy machine threads wait for each other.
    """
    rows = []
    for classes in (2, 4):
        asked = grid(classes=classes)
        with _threads(None):
            ours, (other, fits) = _of_ours(*asked, classes), of_sklearn(*asked, seconds / 2)
        with _threads(1):
            ours = min(ours, _of_ours(*asked, classes))
            alone, more = of_sklearn(*asked, seconds / 2)
        other = min(other, alone)
        unit = (
            f"s for {PENALTIES * SEEDS * FOLDS} fits of [{CASES}, {WIDTH}] float32, "
            f"scikit-learn's scaled up from {fits} with all threads and {more} with one"
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


def of_sklearn(
    features: Tensor, target: Tensor, weights: Tensor, c: Tensor, seconds: float
) -> tuple[float, int]:
    """Seconds of the whole grid, and the fits they are scaled up from.

    Every fifth penalty is timed, on as many folds as ``seconds`` allows.
    """
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


def _of_ours(features: Tensor, target: Tensor, weights: Tensor, c: Tensor, classes: int) -> float:
    """Median seconds of three runs."""
    from statistics import median

    from pixvox_benchmarks.logistic import fit

    laps = []
    for _ in range(3):
        start = time.perf_counter()
        fit(features, target, weights, c, classes=classes)
        laps.append(time.perf_counter() - start)
    return median(laps)


@contextmanager
def _threads(limit: int | None) -> Iterator[None]:
    """That many threads for torch and scikit-learn alike; None leaves them as they are."""
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    before = torch.get_num_threads()
    torch.set_num_threads(limit or before)
    try:
        with threadpool_limits(limit):
            yield
    finally:
        torch.set_num_threads(before)
