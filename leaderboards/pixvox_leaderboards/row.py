"""A row: one method under one task, protocol and budget, over its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pixvox_leaderboards.estimate import Estimate, estimate
from pixvox_leaderboards.reading import Reading

RANDOM_INIT = "random_init"
REFERENCES = (RANDOM_INIT, "supervised")  # set apart on every board; never ranked
NOT_BETTER = "not better than random init"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a board says of a method.

    Args:
        estimates: by metric.
        rank: shared where intervals overlap; None for references, stale rows and rows without
            an interval.
        marks: what a reader must know before trusting the row.
        keys: of the results behind it, by seed.
    """

    method: str
    family: str
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
    rank: int | None = None
    marks: tuple[str, ...] = ()

    @property
    def is_reference(self) -> bool:
        """Random init and supervised say where the floor and the aim are."""
        return self.family == "reference" or self.method in REFERENCES

    @property
    def is_doubtful(self) -> bool:
        """Has it collapsed, or is it not better than random init? Drawn hollow."""
        return self.is_collapsed or NOT_BETTER in self.marks


def row_of(readings: Sequence[Reading], *, is_stale: bool) -> Row:
    """The row of some results that differ in nothing but their seeds."""
    results = [reading.result for reading in readings]
    head = results[0]
    return Row(
        method=head.method,
        family=head.family,
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
    )
