"""Which results are of today: what must be equal to be compared, and what is stale."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.reading import Reading
from pixvox_registry.artifacts import fingerprint

Layer = tuple[list[Reading], bool]  # one reading per seed; is it stale?


def edition_of(result: Result) -> str:
    """Digest of what all rows of a panel share: data, protocol, metrics and budget."""
    return fingerprint(
        {
            "task": [result.task_version, result.asked.get("task")],
            "protocol": [result.protocol_version, result.asked.get("protocol")],
            "metrics": dict(result.metric_versions),
            "budget": dict(result.budget),
        }
    )


def make_of(result: Result) -> str:
    """Digest of what all seeds of a row share: the plugins, and the method where it is told."""
    return fingerprint([dict(result.plugins), result.asked.get("method_sha256")])


def age_of(result: Result) -> tuple[Any, ...]:
    """Sorts results from old to new: by versions, then by the hour, then by anything fixed."""
    metrics = [version_key(version) for _, version in sorted(result.metric_versions.items())]
    versions = version_key(result.task_version), version_key(result.protocol_version), metrics
    return *versions, str(result.provenance.get("at", "")), result.key


def version_key(version: str) -> list[tuple[int, str]]:
    """Sorts versions as people count.

    >>> sorted(["10", "2", "1.10", "1.9"], key=version_key)
    ['1.9', '1.10', '2', '10']
    """
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[.\-+]", version)
    ]


def layers(readings: Sequence[Reading]) -> list[Layer]:
    """The rows of one panel: for each method the newest results of the newest edition, then stale.

    A row never mixes editions or makes, and holds each seed once.
    """
    current = edition_of(max((r.result for r in readings), key=age_of))
    found: list[Layer] = []
    for rows in grouped(readings, lambda r: r.method).values():
        makes = grouped(rows, lambda r: (edition_of(r), make_of(r)))
        newest_first = sorted(
            makes.values(),
            key=lambda row: (
                edition_of(row[0].result) == current,
                max(age_of(r.result) for r in row),
            ),
            reverse=True,
        )
        sheets = [sheet for row in newest_first for sheet in _sheets(row)]
        for number, sheet in enumerate(sheets):
            is_current = number == 0 and edition_of(sheet[0].result) == current
            found.append((sheet, not is_current))
    return found


def _sheets(row: Sequence[Reading]) -> list[list[Reading]]:
    """Results of one make so that each seed stands once on each sheet, the newest on the first."""
    seeds = grouped(row, lambda r: r.seed)
    piles = [
        sorted(pile, key=lambda r: age_of(r.result), reverse=True)
        for _, pile in sorted(seeds.items())
    ]
    return [
        [pile[depth] for pile in piles if depth < len(pile)]
        for depth in range(max(map(len, piles)))
    ]


def grouped(
    readings: Sequence[Reading], key: Callable[[Result], Hashable]
) -> dict[Any, list[Reading]]:
    """Readings by some property of their results."""
    groups: dict[Any, list[Reading]] = defaultdict(list)
    for reading in readings:
        groups[key(reading.result)].append(reading)
    return groups
