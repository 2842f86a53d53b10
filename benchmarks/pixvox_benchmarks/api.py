"""The bench from Python: measure one weights folder on one task."""

from __future__ import annotations

from pathlib import Path

from pixvox_benchmarks.examination import examine
from pixvox_benchmarks.scoring import metrics_of, score
from pixvox_benchmarks.task_line import task_of
from pixvox_registry import MAKERS


def measure(
    weights: Path | str,
    task: str,
    protocol: str = "knn_probe",
    *,
    maker: str = "recipe",
    budget: str = "small",
    seed: int = 0,
) -> dict[str, tuple[float, float, float]]:
    """``{metric: (score, low, high)}`` on the test split, with 95 % intervals over cases.

    Nothing is written; `pixvox benchmark` is the way to results that a board takes.

    Args:
        budget: how long a protocol trains, if it does.
        seed: of what a protocol draws.

    Raises:
        UserError: an unknown name, missing data, or weights that do not verify.
    """
    about = task_of(task)
    pretrained = MAKERS.build(maker).load(Path(weights))
    outcome = examine(protocol, about, pretrained, budget, seed)
    scores, intervals = score(outcome.cases, metrics_of(protocol, about))
    return {
        name: (scores[name], intervals[name]["low"], intervals[name]["high"]) for name in scores
    }
