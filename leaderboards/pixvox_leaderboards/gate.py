"""The gate: which recipes learnt anything in a brief run, told from result files alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from pixvox_leaderboards.board import Board, Panel, build
from pixvox_leaderboards.estimate import DIGITS, Estimate
from pixvox_leaderboards.reading import Reading
from pixvox_leaderboards.row import RANDOM_INIT, Row
from pixvox_registry.artifacts import canonical_json

SCHEMA = 1
MEANS = ("embedding_std", "rankme", "occupancy")  # of the health figures, over seeds


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a row stands to random init of its own backbone.

    Args:
        above: ``clearly`` where the intervals are disjoint, ``yes`` where only the means differ,
            ``no``; ``unknown`` without a random init of that backbone.
    """

    floor: str
    above: str


def as_json(readings: Sequence[Reading]) -> bytes:
    """Canonical JSON: what was spent, which code measured, and a record per recipe and task."""
    board = build(readings)
    budgets = {panel.budget["dims"]: panel.budget for panel in board.panels}
    return canonical_json(
        {
            "schema": SCHEMA,
            "budgets": [dict(budgets[dims]) for dims in sorted(budgets)],
            "commits": list(board.commits),
            "records": records(board, readings),
        }
    )


def records(board: Board, readings: Sequence[Reading]) -> list[dict[str, Any]]:
    """One per recipe and task, tasks in order, best recipe first by the first protocol."""
    by_key = {reading.result.key: reading for reading in readings}
    tasks: dict[str, list[Panel]] = {}
    for panel in board.panels:
        tasks.setdefault(panel.task, []).append(panel)
    found = []
    for task, panels in tasks.items():
        for row in panels[0].rows:
            behind = [by_key[key] for key in row.keys]
            found.append(
                {
                    "recipe": row.method,
                    "task": task,
                    "dims": panels[0].budget["dims"],
                    "seeds": list(row.seeds),
                    "collapsed": row.is_collapsed,
                    "reference": row.is_reference,
                    "scores": {
                        panel.protocol: score(panel, row.method, by_key) for panel in panels
                    },
                    **cost(behind),
                    **{name: mean(behind, of_health(name)) for name in MEANS},
                }
            )
    return found


def score(panel: Panel, method: str, by_key: dict[str, Reading]) -> dict[str, Any] | None:
    """The ranking metric under one protocol, and where it stands to its floor."""
    row = panel.row(method)
    if row is None:
        return None
    metric = panel.metrics[0]
    estimate = row.estimates[metric]
    verdict = verdict_of(panel, row, by_key)
    return {
        "metric": metric,
        "mean": estimate.mean,
        "low": estimate.low,
        "high": estimate.high,
        "seed_sd": estimate.seed_sd,
        "floor": verdict.floor,
        "above": verdict.above,
    }


def verdict_of(panel: Panel, row: Row, by_key: dict[str, Reading]) -> Verdict:
    """Against the random init of the same backbone, at the same budget."""
    backbone = backbone_of(by_key[row.keys[0]])
    for other in panel.rows:
        is_floor = other.method.startswith(RANDOM_INIT) and not other.is_stale
        if is_floor and backbone_of(by_key[other.keys[0]]) == backbone:
            mine, chance = (r.estimates[panel.metrics[0]] for r in (row, other))
            return Verdict(floor=other.method, above=standing(mine, chance))
    return Verdict(floor="", above="unknown")


def standing(mine: Estimate, floor: Estimate) -> str:
    """``clearly``, ``yes`` or ``no``."""
    if mine.is_clearly_better_than(floor):
        return "clearly"
    better = mine.mean > floor.mean if mine.higher_is_better else mine.mean < floor.mean
    return "yes" if better else "no"


def backbone_of(reading: Reading) -> str:
    """The name of the backbone plugin behind a result."""
    named = [name for name in reading.result.plugins if name.startswith("backbone/")]
    return named[0].partition("/")[2] if named else "unknown"


def cost(readings: Iterable[Reading]) -> dict[str, Any]:
    """The longest run, the mean speed and the most memory; numbers of the machine at hand."""
    spent = [reading.result.provenance.get("weights", {}) for reading in readings]

    def of(name: str) -> list[float]:
        return [float(run[name]) for run in spent if name in run]

    seconds, speed, memory = (
        of(name) for name in ("wall_seconds", "images_per_second", "peak_memory_mb")
    )
    return {
        "wall_seconds": max(seconds, default=None),
        "images_per_second": round(fmean(speed), 1) if speed else None,
        "peak_memory_mb": max(memory, default=None),
    }


def of_health(name: str) -> Callable[[Reading], float | None]:
    """One health figure of a result, where its method has it."""
    return lambda reading: reading.result.health.get(name)


def mean(readings: Iterable[Reading], figure: Callable[[Reading], float | None]) -> float | None:
    """Over the readings that have the figure."""
    known = [x for x in map(figure, readings) if x is not None]
    return round(fmean(known), DIGITS) if known else None
