"""What a grid asks for, what of it is there and what is left, found out before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from pixvox_benchmarks.examination import learnt
from pixvox_benchmarks.gap import NO_DATA, NOT_APPLICABLE, Gap
from pixvox_benchmarks.grid import Cell, Grid, Workshop
from pixvox_benchmarks.jobs import Runs
from pixvox_benchmarks.label_fraction import NotApplicable, asked
from pixvox_benchmarks.request import request_of
from pixvox_benchmarks.result import is_published, path_of
from pixvox_benchmarks.sight import check_sight
from pixvox_benchmarks.task_line import task_of
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.console import say
from pixvox_registry.contracts import Task
from pixvox_registry.errors import NoData, UserError


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
        predictions: where cells keep what they outline, if anybody wants it.
        gaps: tasks without data, and label fractions that leave too few cases.
    """

    cells: tuple[Planned, ...]
    out: Path
    gaps: tuple[Gap, ...] = ()
    predictions: Path | None = None

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
        UserError: a name is unknown, data is faulty, no task has data, or parts do not fit.
    """
    tasks = {task.name: task for task in map(task_of, grid.tasks)}
    fits = fitting(grid.protocols, tasks)
    tasks, gaps = with_data(tasks)
    grid = replace(grid, tasks=tuple(tasks))
    gaps += not_applicable(fits, tasks, grid.seeds)
    fits -= {(gap.protocol or "", gap.task) for gap in gaps}
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
    if not planned:
        raise UserError(f"Nothing is left to measure: {gaps[0].why}")
    found = Plan(cells=tuple(planned), out=out, gaps=tuple(gaps))
    misfits = check_parts(found, lenient=lenient)
    kept = (
        p for p in found.cells if (p.cell.pretraining.method, p.workshop.task.name) not in misfits
    )
    return replace(found, cells=tuple(kept))


def with_data(tasks: Mapping[str, Task]) -> tuple[dict[str, Task], list[Gap]]:
    """The tasks that can be measured here, and a gap for each of the others.

    Raises:
        NoData: no task has data.
    """
    there: dict[str, Task] = {}
    lacks: dict[str, NoData] = {}
    for name, task in tasks.items():
        try:
            task.fingerprint()
        except NoData as lack:
            lacks[name] = lack
        else:
            there[name] = task
    if not there and len(lacks) == 1:
        raise next(iter(lacks.values()))
    for name, told in lacks.items():
        say(f"{name} is left out: {told}")
    if not there:
        raise NoData("No task of this grid has data here.")
    return there, [_without_data(tasks[name]) for name in lacks]


def _without_data(task: Task) -> Gap:
    why = f"{task.source.name} was not at hand where the grid ran."
    return Gap(task=task.name, protocol=None, state=NO_DATA, why=why)


def not_applicable(
    fits: Collection[tuple[str, str]], tasks: Mapping[str, Task], seeds: int
) -> list[Gap]:
    """A gap for each protocol and task whose label fraction leaves too few cases."""
    gaps = []
    for protocol, name in sorted(fits):
        if name not in tasks or asked(protocol)[1] == 1:
            continue
        try:
            for seed in range(seeds):
                learnt(protocol, tasks[name], seed)
        except NotApplicable as lack:
            why = str(lack)
            gaps.append(Gap(task=name, protocol=protocol, state=NOT_APPLICABLE, why=why))
    return gaps


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
