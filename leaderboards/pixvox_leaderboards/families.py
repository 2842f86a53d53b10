"""Task families: what is measured, in 2D or 3D; told by the metrics, not by the tasks' names."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pixvox_leaderboards.apart import Apart, told_apart
from pixvox_leaderboards.league import League, leagues
from pixvox_leaderboards.panel import Panel
from pixvox_registry import METRICS

CLASSIFICATION, SEGMENTATION, CLUSTERING = "classification", "segmentation", "clustering"
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Family:
    """The panels of one kind of task.

    Args:
        kind: ``classification``, ``segmentation``, ``clustering`` or ``other``.
        dims: 2 or 3; 0 where the family holds both.
        leagues: methods over the family's own tasks.
        apart: who is told from whom on each panel.
    """

    kind: str
    dims: int
    panels: tuple[Panel, ...] = ()
    leagues: tuple[League, ...] = ()
    apart: Apart = frozenset()

    @property
    def title(self) -> str:
        """For headings: ``3D segmentation``, ``Clustering``."""
        return f"{self.dims}D {self.kind}" if self.dims else self.kind.capitalize()

    @property
    def budgets(self) -> tuple[str, ...]:
        """Names of the budgets in use."""
        return tuple(dict.fromkeys(panel.budget["name"] for panel in self.panels))

    def under(self, budget: str) -> Family:
        """What of it was measured under one budget."""
        return Family(
            kind=self.kind,
            dims=self.dims,
            panels=tuple(p for p in self.panels if p.budget["name"] == budget),
            leagues=tuple(one for one in self.leagues if one.budget == budget),
            apart=self.apart,
        )


PLACES = (
    (CLASSIFICATION, 2),
    (CLASSIFICATION, 3),
    (SEGMENTATION, 2),
    (SEGMENTATION, 3),
    (CLUSTERING, 0),
)


def families(panels: Sequence[Panel]) -> tuple[Family, ...]:
    """The five families in their order, also those without a panel; then what fits none."""
    members: dict[tuple[str, int], list[Panel]] = {place: [] for place in PLACES}
    for panel in panels:
        members.setdefault(place_of(panel), []).append(panel)
    return tuple(
        Family(
            kind=kind,
            dims=dims,
            panels=tuple(found),
            leagues=tuple(leagues(found)),
            apart=told_apart(found),
        )
        for (kind, dims), found in members.items()
    )


def place_of(panel: Panel) -> tuple[str, int]:
    """The kind and dims of a panel's family."""
    kind = kind_of(panel.metrics)
    return kind, int(panel.budget["dims"]) if kind in (CLASSIFICATION, SEGMENTATION) else 0


def kind_of(metrics: Sequence[str]) -> str:
    """What some metrics measure, by what they ask of a case.

    A metric of outlines holds one mask against another, in ``of_case``; one of clusters names the
    ``cluster`` of a case, one of classes its ``probability``.
    """
    found: list[Any] = [METRICS.build(name) for name in metrics if name in METRICS]
    if any(hasattr(metric, "of_case") for metric in found):
        return SEGMENTATION
    named = {name for metric in found for name in inspect.signature(metric.__call__).parameters}
    if "cluster" in named:
        return CLUSTERING
    return CLASSIFICATION if "probability" in named else OTHER
