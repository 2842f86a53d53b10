"""Cost against score: what a method's pretraining took, and what it gave, on one machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pixvox_leaderboards.effort import UNKNOWN, Effort, Efforts
from pixvox_leaderboards.estimate import Estimate
from pixvox_leaderboards.labels import ALL, share_of
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row


@dataclass(frozen=True, kw_only=True)
class Point:
    """One method on one panel.

    Args:
        on_front: no method took as little time and scored as much, one of them less or more.
    """

    row: Row
    effort: Effort
    seconds: float
    estimate: Estimate
    on_front: bool = False


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """The rows of a panel that were pretrained on one kind of machine, the cheapest first."""

    panel: Panel
    machine: str
    points: tuple[Point, ...]


def clouds(panels: Iterable[Panel], efforts: Efforts) -> list[Cloud]:
    """Of every panel of all labels, and every machine, with two methods whose time is known.

    Weights that were drawn are no point: nothing was pretrained. References that were trained are
    points, but not on the front: they are not ranked either.
    """
    found = []
    for panel in panels:
        if share_of(panel.protocol)[1] != ALL:
            continue
        machines: dict[str, list[Point]] = {}
        for row in panel.rows:
            effort = efforts.get(row.keys, UNKNOWN)
            if not effort.seconds or row.is_stale or row.is_floor:
                continue
            point = Point(
                row=row,
                effort=effort,
                seconds=effort.seconds,
                estimate=row.estimates[panel.metrics[0]],
            )
            machines.setdefault(effort.machine, []).append(point)
        found += [
            Cloud(panel=panel, machine=machine, points=_with_front(points))
            for machine, points in sorted(machines.items())
            if sum(not point.row.is_reference for point in points) > 1
        ]
    return found


def by_task(found: Iterable[Cloud]) -> list[list[Cloud]]:
    """Clouds that differ in their protocol alone."""
    groups: dict[tuple[str, str, str], list[Cloud]] = {}
    for cloud in found:
        place = str(cloud.panel.budget["name"]), cloud.panel.task, cloud.machine
        groups.setdefault(place, []).append(cloud)
    return list(groups.values())


def _with_front(points: Sequence[Point]) -> tuple[Point, ...]:
    """Sorted by cost; seconds and means are compared as they are shown."""
    contest = [point for point in points if not point.row.is_reference]
    marked = [
        replace(point, on_front=point in contest and not any(_beats(o, point) for o in contest))
        for point in points
    ]
    return tuple(sorted(marked, key=lambda p: (p.seconds, _loss(p), p.row.method)))


def _beats(one: Point, other: Point) -> bool:
    """Is it no worse in cost and score, and better in one?"""
    mine, theirs = (one.seconds, _loss(one)), (other.seconds, _loss(other))
    return mine != theirs and mine[0] <= theirs[0] and mine[1] <= theirs[1]


def _loss(point: Point) -> float:
    sign = -1 if point.estimate.higher_is_better else 1
    return sign * point.estimate.mean
