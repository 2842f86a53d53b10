"""Meter ``bootstrap``: the interval of an AUC against scipy's, which scores one resample a time."""

from __future__ import annotations

import time
from typing import Any

from pixvox_registry import METERS

CASES, RESAMPLES = 5000, 1000


@METERS.register
def bootstrap(recipe: str | None, dims: int, seconds: float) -> list[dict[str, Any]]:
    """Seconds for BCa of 1,000 resamples of 5,000 cases, its jackknife of 5,000 included.

    The other way scores the same number of weightings with scikit-learn's AUC, one by one; it is
    timed on as many as fit in ``seconds`` and scaled up.
    """
    from statistics import median

    import numpy as np
    from sklearn.metrics import roc_auc_score

    from pixvox_registry import METRICS
    from pixvox_registry.bootstrap import interval

    random = np.random.default_rng(0)
    target = random.integers(2, size=CASES)
    score = 1 / (1 + np.exp(-random.normal(size=CASES) - target))
    table = np.stack([1 - score, score], 1)
    auc = METRICS.build("auc")
    laps = []
    for _ in range(3):
        start = time.perf_counter()
        interval(lambda weight: auc(table, target, weight), CASES, strata=target)
        laps.append(time.perf_counter() - start)
    start, scored = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        drawn = random.integers(CASES, size=CASES)
        roc_auc_score(target[drawn], score[drawn])
        scored += 1
    other = (time.perf_counter() - start) / scored * (RESAMPLES + CASES)
    ours = median(laps)
    unit = f"s for {RESAMPLES} resamples of {CASES} cases, BCa; the other scaled up from {scored}"
    row = {"what": "bootstrap_auc", "ours": ours, "other": other, "ratio": other / ours}
    return [{**row, "unit": unit}]
