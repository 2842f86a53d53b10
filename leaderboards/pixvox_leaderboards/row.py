"""A row: one method under one task, protocol and budget, over its seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.comparison import Comparison
from pixvox_leaderboards.estimate import Estimate, estimate
from pixvox_leaderboards.exposure import Exposure
from pixvox_leaderboards.reading import Reading

RANDOM_INIT = "random_init"
REFERENCES = (RANDOM_INIT, "supervised")  # set apart on every board; never ranked
NOT_BETTER = "not better than random init"
WORSE = "worse than random init"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a board says of a method.

    Args:
        estimates: by metric.
        rank: shared where intervals overlap; None for references, stale rows and rows without
            an interval.
        marks: what a reader must know before trusting the row.
        backbone: name of its plugin, or ``unknown``.
        keys: of the results behind it, by seed.
        exposure: which test cases its weights were shown.
        over_floor: what it scores above random init of the same backbone, where there is one.
    """

    method: str
    family: str
    backbone: str
    seeds: tuple[int, ...]
    estimates: Mapping[str, Estimate]
    n_scored: int
    n_expected: int
    stem: str
    parameters: int
    is_collapsed: bool
    is_verified: bool
    is_stale: bool
    keys: tuple[str, ...]
    exposure: Exposure
    rank: int | None = None
    marks: tuple[str, ...] = ()
    over_floor: Comparison | None = None

    @property
    def is_reference(self) -> bool:
        """Random init and supervised say where the floor and the aim are."""
        return self.family == "reference" or self.method in REFERENCES

    @property
    def is_floor(self) -> bool:
        """Is it random init, of whatever backbone?"""
        named = self.method.removeprefix("slices:").startswith(RANDOM_INIT)
        return named and self.family == "reference"

    @property
    def is_doubtful(self) -> bool:
        """Has it collapsed, or is it not better than random init? Drawn hollow."""
        return self.is_collapsed or NOT_BETTER in self.marks or WORSE in self.marks


def row_of(readings: Sequence[Reading], *, is_stale: bool) -> Row:
    """The row of some results that differ in nothing but their seeds."""
    results = [reading.result for reading in readings]
    head = results[0]
    return Row(
        method=head.method,
        family=head.family,
        backbone=backbone_of(head),
        seeds=tuple(result.seed for result in results),
        estimates={metric: estimate(metric, readings) for metric in head.metrics},
        n_scored=min(result.n_scored for result in results),
        n_expected=head.n_expected,
        stem=head.budget["stem"],
        parameters=head.parameters,
        is_collapsed=any(result.collapsed for result in results),
        is_verified=all(bool(result.data.get("verified")) for result in results),
        is_stale=is_stale,
        keys=tuple(result.key for result in results),
        exposure=Exposure.of(results),
    )


def floor_of(row: Row, rows: Iterable[Row]) -> Row | None:
    """Random init of the same backbone, or None: another's says nothing of what is learnt."""
    floors = [other for other in rows if other.is_floor and not other.is_stale]
    own = [floor for floor in floors if floor.backbone == row.backbone]
    return min(own, key=lambda floor: (floor.method != RANDOM_INIT, floor.method), default=None)


def backbone_of(result: Result) -> str:
    """Name of the backbone plugin that was measured; if nobody told, the one that was trained."""
    trained = [name for name in result.plugins if name.startswith("backbone/")]
    told: str = result.provenance.get("weights", {}).get("backbone", "")
    return told or (trained[0].partition("/")[2] if trained else "unknown")
