"""A panel: all rows of one task, protocol and budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pixvox_leaderboards.row import RANDOM_INIT, Row
from pixvox_leaderboards.seed_mean import SeedMean

IMAGE = "image"  # the unit that says nothing of patients


@dataclass(frozen=True, kw_only=True)
class Panel:
    """All rows of one task, protocol and budget.

    Args:
        budget: its facts, the same for every row that is not stale.
        metrics: the first one ranks.
        units: what a case is; ``image`` means that patients are unknown, or counted in patients.
        patients: how many there are, where some have several cases.
        duplicates: ``{train-test: {exact, near}, ...}`` as the results tell it, the most that any
            does; empty if none does.
        scores: what ranks the rows of today, by method, as functions of the same weighted cases;
            none where the metric is not installed.
    """

    task: str
    task_version: str
    protocol: str
    protocol_version: str
    budget: Mapping[str, Any]
    metrics: tuple[str, ...]
    metric_versions: Mapping[str, str]
    higher_is_better: Mapping[str, bool]
    units: str
    cases: int
    patients: int = 0
    rows: tuple[Row, ...]
    duplicates: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    scores: Mapping[str, SeedMean] = field(repr=False, compare=False)

    @property
    def is_case_level(self) -> bool:
        """Intervals over images are too narrow where a patient has several, and none is named."""
        return self.units == IMAGE and not self.patients

    @property
    def is_verified(self) -> bool:
        """Do all rows of today stand on verified data?"""
        return all(row.is_verified for row in self.rows if not row.is_stale)

    @property
    def exposure(self) -> str | None:
        """What all rows of today have in common: ``seen``, ``unseen``, ``unknown`` or nothing."""
        states = {row.exposure.state for row in self.rows if not row.is_stale}
        return states.pop() if len(states) == 1 else None

    @property
    def has_floor(self) -> bool:
        """Is there an interval of random init that rows can be compared with?"""
        return any(floor.estimates[self.metrics[0]].has_interval for floor in self._floors())

    @property
    def floor(self) -> Row | None:
        """The random init to draw a line at: the one without a backbone's name, or the only one."""
        floors = self._floors()
        return self.row(RANDOM_INIT) or (floors[0] if len(floors) == 1 else None)

    def leads(self, row: Row) -> bool:
        """Is a row first of at least two that are ranked? Shown in bold."""
        return row.rank == 1 and sum(other.rank is not None for other in self.rows) > 1

    def row(self, method: str) -> Row | None:
        """The row of a method, unless it is missing or stale."""
        return next((r for r in self.rows if r.method == method and not r.is_stale), None)

    def _floors(self) -> list[Row]:
        return [row for row in self.rows if row.is_floor and not row.is_stale]
