"""A board: result files grouped into panels of rows, ranked and marked; a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from pixvox_benchmarks.gap import Gap, gaps_below
from pixvox_benchmarks.result import Result
from pixvox_leaderboards.effort import Efforts, efforts
from pixvox_leaderboards.estimate import installed
from pixvox_leaderboards.floors import against_floors
from pixvox_leaderboards.league import League, leagues
from pixvox_leaderboards.panel import IMAGE, Panel
from pixvox_leaderboards.ranking import ranked
from pixvox_leaderboards.reading import Reading, read_all
from pixvox_leaderboards.recency import grouped, seed_groups
from pixvox_leaderboards.row import row_of
from pixvox_leaderboards.seed_mean import SeedMean, seed_means


@dataclass(frozen=True, kw_only=True)
class Board:
    """Panels, sorted by budget, task and protocol.

    Args:
        results: how many files it was made from.
        commits: of the code that measured; ``+`` means with local changes.
        leagues: methods over several tasks.
        gaps: what has no number here, and why.
        efforts: what each row took, by its keys.
    """

    panels: tuple[Panel, ...]
    leagues: tuple[League, ...]
    results: int
    commits: tuple[str, ...]
    gaps: tuple[Gap, ...] = ()
    efforts: Efforts = field(default_factory=dict)

    @property
    def budgets(self) -> tuple[str, ...]:
        """Names of the budgets in use."""
        return tuple(dict.fromkeys(panel.budget["name"] for panel in self.panels))

    def under(self, budget: str) -> list[Panel]:
        """The panels of one budget."""
        return [panel for panel in self.panels if panel.budget["name"] == budget]

    def leagues_under(self, budget: str) -> list[League]:
        """The leagues of one budget."""
        return [league for league in self.leagues if league.budget == budget]


def board_of(folder: Path) -> Board:
    """The board of a folder of results and gaps.

    Raises:
        UserError: there is no result, or a file is damaged; it is named.
    """
    return build(read_all(folder), gaps_below(folder))


def build(readings: Sequence[Reading], gaps: Sequence[Gap] = ()) -> Board:
    """The board of some results; the order in which they come does not matter.

    Args:
        gaps: those that a result fills are left out.
    """
    results = [reading.result for reading in readings]
    places = grouped(readings, lambda r: (r.budget["name"], r.task, r.protocol))
    panels = [_panel(places[place]) for place in sorted(places)]
    ready = [
        replace(panel, rows=tuple(ranked(panel.rows, panel.metrics[0])))
        for _, family in groupby(panels, lambda panel: panel.budget["name"])
        for panel in against_floors(list(family))
    ]
    return Board(
        panels=tuple(ready),
        leagues=tuple(leagues(ready)),
        results=len(readings),
        commits=tuple(sorted({_commit(result) for result in results})),
        gaps=tuple(gap for gap in gaps if not gap.is_filled_by(results)),
        efforts=efforts(ready, readings),
    )


def _panel(readings: Sequence[Reading]) -> Panel:
    """Neither compared nor ranked yet; what a reader is warned of, no single row can take away."""
    groups = seed_groups(readings)
    current = [group.readings for group in groups if not group.is_stale]
    today = [reading.result for row in current for reading in row]
    head = today[0]
    return Panel(
        task=head.task,
        task_version=head.task_version,
        protocol=head.protocol,
        protocol_version=head.protocol_version,
        budget=head.budget,
        metrics=head.metrics,
        metric_versions=head.metric_versions,
        higher_is_better=head.higher_is_better,
        units=IMAGE if any(result.units == IMAGE for result in today) else head.units,
        cases=head.n_expected,
        patients=len(set(current[0][0].cases.patients)),
        rows=tuple(row_of(group.readings, is_stale=group.is_stale) for group in groups),
        duplicates=_shared(today),
        scores=_scores(current),
    )


def _shared(results: Sequence[Result]) -> dict[str, dict[str, int]]:
    """Cases that splits share: of all counts that the rows tell, the highest."""
    highest: dict[str, dict[str, int]] = {}
    for result in results:
        for pair, counts in result.duplicates.items():
            known = highest.setdefault(pair, {})
            known.update({kind: max(count, known.get(kind, 0)) for kind, count in counts.items()})
    return highest


def _scores(rows: Sequence[Sequence[Reading]]) -> dict[str, SeedMean]:
    """By method, what ranks it."""
    head = rows[0][0].result
    metric, _ = installed(head.metrics[0], head.metric_versions[head.metrics[0]])
    if metric is None:
        return {}
    found = seed_means(metric, [[reading.cases for reading in row] for row in rows])
    return {row[0].result.method: score for row, score in zip(rows, found, strict=True)}


def _commit(result: Result) -> str:
    commit = str(result.provenance.get("commit", "unknown"))[:7]
    dirty = result.provenance.get("dirty") not in ("", None, "unknown")
    return f"{commit}+" if dirty else commit
