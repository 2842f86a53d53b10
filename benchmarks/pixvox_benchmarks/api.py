"""The bench from Python: measure one weights folder on one task."""

from __future__ import annotations

from pathlib import Path

from pixvox_benchmarks.cell import probe
from pixvox_benchmarks.scoring import metrics_of, score
from pixvox_registry import MAKERS, TASKS


def measure(
    weights: Path | str, task: str, protocol: str = "knn_probe", *, maker: str = "recipe"
) -> dict[str, tuple[float, float, float]]:
    """``{metric: (score, low, high)}`` on the test split, with 95 % intervals over cases.

    Nothing is written; `pixvox benchmark` is the way to results that a board takes.

    Raises:
        UserError: an unknown name, missing data, or weights that do not verify.
    """
    about = TASKS.build(task)
    cases, _, _ = probe(protocol, about, MAKERS.build(maker).load(Path(weights)))
    scores, intervals = score(cases, metrics_of(protocol, about))
    return {
        name: (scores[name], intervals[name]["low"], intervals[name]["high"]) for name in scores
    }
