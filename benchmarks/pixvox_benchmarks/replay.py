"""Replay: a published cell computed anew, and held against what was published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.grid import Grid
from pixvox_benchmarks.plan import Plan, plan
from pixvox_benchmarks.request import request_of
from pixvox_benchmarks.result import Result, results_below
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.errors import UserError
from pixvox_registry.provenance import provenance

SHORTEST = 6  # digits of a key
OF_MACHINE = ("pixvox", "commit", "dirty", "python", "processor", "accelerator")
Change = tuple[str, Any, Any]  # what, then, now


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of a replay.

    Args:
        scores: ``{metric: (published, replayed)}``.
        cases: the greatest difference of any figure of a case; None where the cases are others.
        gone: metrics that the task does not have any more.
        is_identical: weights and cases have the bits of those that were published.
        tolerance: of a score, absolute.
    """

    scores: Mapping[str, tuple[float, float]]
    cases: float | None
    is_identical: bool
    tolerance: float
    gone: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """No score differs by more than the tolerance, over the same cases."""
        within = (abs(was - now) <= self.tolerance for was, now in self.scores.values())
        return self.cases is not None and not self.gone and all(within)

    @property
    def told(self) -> str:
        """In a sentence."""
        if self.is_identical:
            return "same, bit for bit: weights and cases have the sha256 that was published"
        if self.cases is None:
            return "differs: other cases were scored"
        if self.gone:
            return f"differs: {', '.join(self.gone)} is not measured any more"
        worst = max(abs(was - now) for was, now in self.scores.values())
        if self.is_same:
            return f"same within {self.tolerance:g}: scores differ by at most {worst:.2g}"
        return f"differs: a score by {worst:.2g}, more than {self.tolerance:g}"


def file_of(row: str, results: Path) -> Path:
    """The result file that a row names: a path, or the first digits of a key.

    Copies of one file are one result, as boards have it.

    Raises:
        UserError: no result has such a key, or several have.
    """
    if row.endswith(".json"):
        if not Path(row).is_file():
            raise UserError(f"There is no result file {row}.")
        return Path(row)
    digits = row.lower()
    if len(row) < SHORTEST or set(digits) - set("0123456789abcdef"):
        raise UserError(
            f"A row is a result file, or at least {SHORTEST} digits of its key; {row!r} came. "
            "board.csv, board.json and the site tell keys."
        )
    found = [file for file in results_below(results) if Result.read(file).key.startswith(digits)]
    if len({file.read_bytes() for file in found}) != 1:
        there = ", ".join(str(file) for file in found) or "none"
        raise UserError(f"One result below {results} should have a key {row}...; there: {there}.")
    return found[0]


def place_of(result: Result) -> Path:
    """Where a replay lies by default: another for other code, packages or machines."""
    around = {name: fact for name, fact in provenance().items() if name not in ("at", "threads")}
    return Path("runs/reproduce") / f"{result.key[:12]}-{fingerprint(around)[:8]}"


def planned(result: Result, out: Path) -> Plan:
    """The one cell of a result, as it is asked today.

    Raises:
        UserError: a name is unknown by now, or the data is not at hand.
    """
    grid = Grid(
        methods=(result.method,),
        tasks=(result.task,),
        protocols=(result.protocol,),
        seeds=result.seed + 1,
        budget=result.budget["name"],
    )
    whole = plan(grid, out)
    cells = tuple(p for p in whole.cells if p.cell.pretraining.seed == result.seed)
    return replace(whole, cells=cells)


def changes_asked(result: Result, again: Plan) -> list[Change]:
    """What is asked otherwise today: data, recipe, plugins, budget."""
    (one,) = again.cells
    return list(_differences("", dict(result.asked), request_of(one.cell, one.workshop)))


def changes_around(result: Result) -> list[Change]:
    """What of code, environment and machine is another today."""
    then, now = result.provenance, provenance()
    told = [(name, then.get(name), now[name]) for name in OF_MACHINE]
    packages = now["packages"]
    told += [(n, then.get("packages", {}).get(n), v) for n, v in sorted(packages.items())]
    return [(name, was, found) for name, was, found in told if was != found]


def threads_of(result: Result) -> int:
    """Threads of the cell: how a sum is cut decides its last bits."""
    return int(result.provenance.get("threads", 1))


def verdict(
    result: Result,
    cases: CaseScores,
    replayed: Result,
    replayed_cases: CaseScores,
    tolerance: float,
) -> Verdict:
    """What was published against what came now."""
    bits = [
        (one.weights_sha256, one.cases_sha256, sorted(one.scores.items()))
        for one in (result, replayed)
    ]
    return Verdict(
        scores={
            name: (result.scores[name], replayed.scores[name])
            for name in result.metrics
            if name in replayed.scores
        },
        gone=tuple(name for name in result.metrics if name not in replayed.scores),
        cases=_distance(cases, replayed_cases),
        is_identical=bits[0] == bits[1],
        tolerance=tolerance,
    )


def _distance(cases: CaseScores, others: CaseScores) -> float | None:
    """The greatest difference of any figure of a case, or None where the cases are others."""
    one, other = cases.arrays(), others.arrays()
    if cases.ids != others.ids or {n: c.shape for n, c in one.items()} != {
        n: c.shape for n, c in other.items()
    }:
        return None
    if any((np.isnan(one[name]) != np.isnan(other[name])).any() for name in one):
        return None
    return float(max(np.nan_to_num(np.abs(one[name] - other[name])).max() for name in one))


def _differences(where: str, then: Any, now: Any) -> Iterator[Change]:
    """Leaves that differ, by their path."""
    if not (isinstance(then, Mapping) and isinstance(now, Mapping)):
        if then != now:
            yield where, then, now
        return
    for name in sorted(then.keys() | now.keys()):
        path = f"{where}.{name}" if where else name
        yield from _differences(path, then.get(name), now.get(name))
