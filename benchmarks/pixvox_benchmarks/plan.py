"""What a grid asks for, what of it is there and what is left, found out before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from pixvox_benchmarks.grid import Cell, Grid, Workshop
from pixvox_benchmarks.jobs import Runs
from pixvox_benchmarks.request import request_of
from pixvox_benchmarks.result import is_published, path_of
from pixvox_benchmarks.sight import check_sight
from pixvox_registry import TASKS
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.console import say
from pixvox_registry.contracts import Task
from pixvox_registry.errors import UserError


@dataclass(frozen=True)
class Planned:
    """A cell, the digest of what it asks, and the file that answers it.

    Args:
        results: the folder of all results; ``path`` is relative to it.
    """

    cell: Cell
    workshop: Workshop
    request: str
    results: Path
    path: Path

    @property
    def is_published(self) -> bool:
        """A valid result of this very request is there."""
        return is_published(self.results, self.path, self.request)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The cells of a grid with what they ask.

    Args:
        out: ``runs``, ``results`` and ``logs`` lie in it.
    """

    cells: tuple[Planned, ...]
    out: Path

    @property
    def runs(self) -> Runs:
        """Where weights are made."""
        return Runs(folder=str(self.out / "runs"))

    @property
    def results(self) -> Path:
        """Where results are published."""
        return self.out / "results"

    def missing(self) -> list[Planned]:
        """Cells without a valid result."""
        return [planned for planned in self.cells if not planned.is_published]

    def to_make(self, missing: Sequence[Planned]) -> list[Workshop]:
        """What these cells need and nobody has finished."""
        needed = {planned.cell.pretraining: planned.workshop for planned in missing}
        return [workshop for workshop in needed.values() if self.runs.weights(workshop) is None]


def plan(grid: Grid, out: Path, *, lenient: bool = False) -> Plan:
    """What all cells ask. Imports every plugin and reads all data; writes nothing.

    Args:
        lenient: leave out methods that do not fit a task, with a word on each.

    Raises:
        UserError: a name is unknown, data is missing or faulty, or parts do not fit.
    """
    tasks = {name: TASKS.build(name) for name in grid.tasks}
    fits = fitting(grid.protocols, tasks)
    workshops = {
        pretraining: Workshop(pretraining, tasks[pretraining.task])
        for pretraining in grid.pretrainings()
    }
    planned = []
    for cell in grid.cells():
        workshop = workshops[cell.pretraining]
        if (cell.protocol, workshop.task.name) not in fits:
            continue
        request = fingerprint(request_of(cell, workshop))
        made = cell.pretraining
        path = path_of(made.task, cell.protocol, made.method, made.budget, made.seed, request)
        planned.append(Planned(cell, workshop, request, out / "results", path))
    found = Plan(cells=tuple(planned), out=out)
    misfits = check_parts(found, lenient=lenient)
    kept = (
        p for p in found.cells if (p.cell.pretraining.method, p.workshop.task.name) not in misfits
    )
    return Plan(cells=tuple(kept), out=out)


def fitting(protocols: Sequence[str], tasks: Mapping[str, Task]) -> set[tuple[str, str]]:
    """Protocols and tasks that fit: outlines are not probed, nor classes outlined.

    Raises:
        UserError: a protocol fits no task, or no protocol fits a task.
    """
    fits = set()
    for protocol, (name, task) in product(protocols, tasks.items()):
        try:
            check_sight(protocol, task)
        except UserError as refusal:
            misfit = refusal
        else:
            fits.add((protocol, name))
    for place, names in enumerate((protocols, tasks)):
        if lost := [name for name in names if name not in {pair[place] for pair in fits}]:
            raise UserError(f"{lost[0]!r} has nothing to do in this grid: {misfit}")
    return fits


def check_parts(plan: Plan, *, lenient: bool) -> set[tuple[str, str]]:
    """Refuse what cannot be made before anything is; seeds differ in nothing that matters here.

    If lenient, methods and tasks that do not fit each other are said and given back.
    """
    first = {
        (workshop.pretraining.method, workshop.pretraining.task): workshop
        for workshop in reversed(plan.to_make(plan.missing()))
    }
    misfits = set()
    for (method, task), workshop in first.items():
        try:
            workshop.maker.check(workshop.order)
        except UserError as refusal:
            if not lenient:
                raise
            say(f"{method} is left out of {task}: {refusal}")
            misfits.add((method, task))
    return misfits
