"""The gate: which recipes learnt anything in a brief run, told from result files alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from statistics import fmean
from typing import Any

from pixvox_leaderboards.board import Board, build
from pixvox_leaderboards.estimate import DIGITS, Estimate
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.reading import Reading
from pixvox_leaderboards.row import floor_of
from pixvox_registry.artifacts import canonical_json
from pixvox_registry.errors import UserError

SCHEMA = 2
MEANS = ("embedding_std", "rankme", "occupancy")  # of the health figures, over seeds


def as_json(readings: Sequence[Reading]) -> bytes:
    """Canonical JSON: which code measured, and a record per budget, task and recipe."""
    board = build(readings)
    return canonical_json(
        {"schema": SCHEMA, "commits": list(board.commits), "records": records(board, readings)}
    )


def chosen(
    readings: Sequence[Reading], budget: str = "", protocols: Collection[str] = ()
) -> list[Reading]:
    """Those of a budget and of protocols; where none are named, of all.

    Raises:
        UserError: there are none.
    """
    found = [
        reading
        for reading in readings
        if budget in ("", reading.result.budget["name"])
        and (not protocols or reading.result.protocol in protocols)
    ]
    if not found:
        there = sorted({(r.result.budget["name"], r.result.protocol) for r in readings})
        raise UserError(
            f"No result of budget {budget or 'any'} and protocols "
            f"{', '.join(sorted(protocols)) or 'any'}; there are "
            f"{', '.join(map(' '.join, there)) or 'none'}."
        )
    return found


def records(board: Board, readings: Sequence[Reading]) -> list[dict[str, Any]]:
    """One per budget, task and recipe, the best by the first protocol first; none is stale."""
    by_key = {reading.result.key: reading for reading in readings}
    places: dict[tuple[str, str], list[Panel]] = {}
    for panel in board.panels:
        places.setdefault((panel.budget["name"], panel.task), []).append(panel)
    found = []
    for (_, task), panels in places.items():
        rows = {r.method: r for panel in reversed(panels) for r in panel.rows if not r.is_stale}
        order = [row.method for panel in panels for row in panel.rows if not row.is_stale]
        for method in dict.fromkeys(order):
            row = rows[method]
            behind = [by_key[key] for key in row.keys]
            found.append(
                {
                    "recipe": method,
                    "task": task,
                    "budget": dict(panels[0].budget),
                    "seeds": list(row.seeds),
                    "made_by": made_by(behind[0]),
                    "collapsed": row.is_collapsed,
                    "reference": row.is_reference,
                    "scores": {panel.protocol: score(panel, method) for panel in panels},
                    **cost(behind),
                    **{name: mean(behind, of_health(name)) for name in MEANS},
                }
            )
    return found


def made_by(reading: Reading) -> dict[str, Any]:
    """The recipe's sha256 and the code of every plugin: with others the figures are stale."""
    result = reading.result
    recipe = result.provenance.get("weights", {}).get("recipe", "")
    return {"recipe": recipe, "plugins": dict(result.plugins)}


def score(panel: Panel, method: str) -> dict[str, Any] | None:
    """The ranking metric under one protocol, and where it stands to its floor."""
    row = panel.row(method)
    if row is None:
        return None
    metric = panel.metrics[0]
    estimate, floor = row.estimates[metric], floor_of(row, panel.rows)
    return {
        "metric": metric,
        "mean": estimate.mean,
        "low": estimate.low,
        "high": estimate.high,
        "seed_sd": estimate.seed_sd,
        "floor": floor.method if floor else "",
        "above": standing(estimate, floor.estimates[metric]) if floor else "unknown",
    }


def standing(mine: Estimate, floor: Estimate) -> str:
    """``clearly`` where the intervals are disjoint, ``yes`` where only the means differ, ``no``."""
    if mine.is_clearly_better_than(floor):
        return "clearly"
    better = mine.mean > floor.mean if mine.higher_is_better else mine.mean < floor.mean
    return "yes" if better else "no"


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
