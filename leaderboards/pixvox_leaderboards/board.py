"""A board: result files grouped into panels of rows, ranked and marked; a pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.ranking import ranked
from pixvox_leaderboards.reading import Reading
from pixvox_leaderboards.recency import grouped, seed_groups
from pixvox_leaderboards.row import RANDOM_INIT, Row, row_of


@dataclass(frozen=True, kw_only=True)
class Panel:
    """All rows of one task, protocol and budget.

    Args:
        budget: its facts, the same for every row that is not stale.
        metrics: the first one ranks.
        units: what a case is; ``image`` means that patients are unknown.
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
    rows: tuple[Row, ...]

    @property
    def is_case_level(self) -> bool:
        """Intervals over images are too narrow where a patient has several."""
        return self.units == "image"

    @property
    def is_verified(self) -> bool:
        """Do all rows of today stand on verified data?"""
        return all(row.is_verified for row in self.rows if not row.is_stale)

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


@dataclass(frozen=True, kw_only=True)
class Board:
    """Panels, sorted by budget, task and protocol.

    Args:
        results: how many files it was made from.
        commits: of the code that measured; ``+`` means with local changes.
    """

    panels: tuple[Panel, ...]
    results: int
    commits: tuple[str, ...]

    @property
    def budgets(self) -> tuple[str, ...]:
        """Names of the budgets in use."""
        return tuple(dict.fromkeys(panel.budget["name"] for panel in self.panels))

    def under(self, budget: str) -> list[Panel]:
        """The panels of one budget."""
        return [panel for panel in self.panels if panel.budget["name"] == budget]


def build(readings: Sequence[Reading]) -> Board:
    """The board of some results; the order in which they come does not matter."""
    panels = grouped(readings, lambda r: (r.budget["name"], r.task, r.protocol))
    return Board(
        panels=tuple(_panel(panels[place]) for place in sorted(panels)),
        results=len(readings),
        commits=tuple(sorted({_commit(reading.result) for reading in readings})),
    )


def _panel(readings: Sequence[Reading]) -> Panel:
    groups = seed_groups(readings)
    head = next(group for group in groups if not group.is_stale).readings[0].result
    rows = [row_of(group.readings, is_stale=group.is_stale) for group in groups]
    return Panel(
        task=head.task,
        task_version=head.task_version,
        protocol=head.protocol,
        protocol_version=head.protocol_version,
        budget=head.budget,
        metrics=head.metrics,
        metric_versions=head.metric_versions,
        higher_is_better=head.higher_is_better,
        units=head.units,
        cases=head.n_expected,
        rows=tuple(ranked(rows, head.metrics[0])),
    )


def _commit(result: Result) -> str:
    commit = str(result.provenance.get("commit", "unknown"))[:7]
    dirty = result.provenance.get("dirty") not in ("", None, "unknown")
    return f"{commit}+" if dirty else commit
