"""Which results are of today: what must be equal to be compared, and what is stale."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.reading import Reading
from pixvox_registry.artifacts import fingerprint

MEASURING = ("task/", "protocol/", "metric/")  # plugins that decide what a score means


@dataclass(frozen=True)
class SeedGroup:
    """What becomes one row: results that differ in nothing but their seeds, each seed once."""

    readings: list[Reading]
    is_stale: bool


def edition_of(result: Result) -> str:
    """Digest of what all rows of a panel share: data, protocol, metrics, budget, their plugins."""
    return fingerprint(edition_facts(result))


def edition_facts(result: Result) -> dict[str, Any]:
    """What an edition is made of, part by part."""
    return {
        "task": [result.task_version, result.asked.get("task")],
        "protocol": [result.protocol_version, result.asked.get("protocol")],
        "metrics": [
            list(result.metrics),  # the first one ranks
            dict(result.metric_versions),
            dict(result.higher_is_better),
        ],
        "budget": dict(result.budget),
        "plugins": {n: v for n, v in result.plugins.items() if n.startswith(MEASURING)},
    }


def method_edition_of(result: Result) -> str:
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


def seed_groups(readings: Sequence[Reading]) -> list[SeedGroup]:
    """The rows of one panel: for each method the newest results of the newest edition, then stale.

    A row never mixes editions, be it of the panel or of the method.
    """
    current = edition_of(max((r.result for r in readings), key=age_of))
    found: list[SeedGroup] = []
    for rows in grouped(readings, lambda r: r.method).values():
        editions = grouped(rows, lambda r: (edition_of(r), method_edition_of(r)))
        newest_first = sorted(
            editions.values(),
            key=lambda row: (
                edition_of(row[0].result) == current,
                max(age_of(r.result) for r in row),
            ),
            reverse=True,
        )
        groups = [group for row in newest_first for group in _each_seed_once(row)]
        for number, group in enumerate(groups):
            is_current = number == 0 and edition_of(group[0].result) == current
            found.append(SeedGroup(group, is_stale=not is_current))
    return found


def _each_seed_once(row: Sequence[Reading]) -> list[list[Reading]]:
    """Results of one edition in groups that hold each seed once, the newest in the first."""
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
