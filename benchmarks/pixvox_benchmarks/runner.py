"""Runs a grid: makes the weights that are missing, then measures the cells that are missing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pixvox_benchmarks.jobs import MakeJob, MeasureJob
from pixvox_benchmarks.plan import Plan
from pixvox_registry.console import progress
from pixvox_registry.contracts import Engine
from pixvox_registry.provenance import code

if TYPE_CHECKING:
    from rich.progress import Progress


def run(plan: Plan, engine: Engine, *, threads: int, quiet: bool = False) -> dict[str, str]:
    """Run what is left of a plan; ``{job: error}`` of whatever failed.

    A job that fails takes down only the cells that need its weights. Files decide, not what a job
    said: weights or a cell that another coordinator finished meanwhile are finished.

    Args:
        threads: cores that one job keeps busy.
    """
    missing = plan.missing()
    here = code()
    make = [
        MakeJob(pretraining=workshop.pretraining, runs=plan.runs, threads=threads, code=here)
        for workshop in plan.to_make(missing)
    ]
    measure = [
        MeasureJob(
            cell=planned.cell,
            request=planned.request,
            runs=plan.runs,
            results=str(plan.results),
            predictions=str(plan.predictions or ""),
            threads=threads,
            code=here,
        )
        for planned in missing
    ]
    with progress(quiet=quiet) as bar:
        desk = Desk(bar, jobs=len(make) + len(measure), quiet=quiet)
        desk.pass_through("pretraining", make, engine)
        lost = {workshop.pretraining for workshop in plan.to_make(missing)}
        desk.pass_through(
            "measuring", [job for job in measure if job.cell.pretraining not in lost], engine
        )
    for made in make:
        if made.pretraining not in lost:
            desk.failures.pop(made.name, None)
    for planned, job in zip(missing, measure, strict=True):
        if planned.is_published:
            desk.failures.pop(job.name, None)
        else:
            why = "its weights were not made" if job.cell.pretraining in lost else "no result"
            desk.failures.setdefault(job.name, why)
    return desk.failures


class Desk:
    """Takes the reports of jobs and shows how far the grid is.

    Args:
        jobs: of all phases.
    """

    def __init__(self, bar: Progress, *, jobs: int, quiet: bool) -> None:
        self.bar = bar
        self.jobs = jobs
        self.quiet = quiet
        self.done = 0
        self.failures: dict[str, str] = {}

    def pass_through(self, phase: str, jobs: Sequence[Any], engine: Engine) -> None:
        """Run the jobs of one phase; its time left is judged by those of it that are done."""
        if not jobs:
            return
        row = self.bar.add_task(phase, total=len(jobs))
        begun, before = time.monotonic(), self.done

        def report(job: Any, error: str | None) -> None:
            self.bar.advance(row)
            self.done += 1
            done = self.done - before
            left = (time.monotonic() - begun) / done * (len(jobs) - done)
            self.note(job, error, f"{clock(left)} of {phase} left")

        engine(jobs, report)

    def note(self, job: Any, error: str | None, left: str) -> None:
        """A line for each job that is done; where a terminal shows the bar, for failures only."""
        if error is not None:
            self.failures[job.name] = error
        if self.quiet or (error is None and not self.bar.disable):
            return
        state = f"failed: {error}" if error else "done"
        self.bar.console.print(
            f"[{self.done}/{self.jobs}] {job.name} {state}, {left}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def clock(seconds: float) -> str:
    """Seconds as people say them.

    >>> clock(4), clock(61), clock(7322)
    ('4 s', '1 min 1 s', '2 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
