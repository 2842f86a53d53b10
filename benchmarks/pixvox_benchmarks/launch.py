"""Launching a grid from a command: what is missing, how to stop, and what failed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pixvox_registry import ENGINES, UserError
from pixvox_registry.console import say
from pixvox_registry.contracts import Engine
from pixvox_registry.errors import RESUME_ME
from pixvox_registry.source_spec import parse_source

if TYPE_CHECKING:
    from pixvox_benchmarks.plan import Plan

ENGINE_FORM = "NAME[:key=value,...], for example slurm:partition=gpu,minutes=600"
STOPS = (signal.SIGTERM, signal.SIGUSR1)  # schedulers send either


def complete(planned: Plan, engine: str, *, workers: int, quiet: bool) -> dict[str, str]:
    """Compute the cells that are missing; ``{job: error}`` of whatever failed.

    Args:
        engine: as ``--engine`` spells it.
    """
    from pixvox_benchmarks.runner import run

    for gap in planned.gaps:
        say(f"{gap.state}: {gap.task} {gap.protocol or ''}: {gap.why}")
        gap.write(planned.results)
    missing = len(planned.missing())
    say(f"{len(planned.cells)} cells: {len(planned.cells) - missing} finished, {missing} to do.")
    if not missing:
        return {}
    chosen = build_engine(engine, workers=workers, logs=planned.out / "logs")
    # An engine with machines of its own knows how many cores a job has there.
    threads = getattr(chosen, "threads", threads_of(workers))
    return run(planned, chosen, threads=threads, quiet=quiet)


def build_engine(text: str, *, workers: int, logs: Path) -> Engine:
    """The engine that a line names, ``NAME[:key=value,...]``.

    Raises:
        UserError: nothing bears the name, a setting is unknown, of the wrong type or decided
            elsewhere, or what the engine needs is not installed.
    """
    name, colon, rest = text.partition(":")
    read, argument, settings = parse_source(f"{name},{rest}" if rest else name or "?")
    if read != name or argument is not None or (colon and not settings):
        raise UserError(f"--engine wants {ENGINE_FORM}; {text!r} came.")
    given = {"workers": workers, "logs": logs}
    if doubled := sorted(settings.keys() & given.keys()):
        raise UserError(f"--engine {text!r} gives {doubled[0]}, which other options decide.")
    return ENGINES.build(name, **given, **settings)


def listed(text: str, option: str) -> tuple[str, ...]:
    """Names between commas, each once.

    Raises:
        UserError: there is none.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise UserError(f"--{option} wants names with commas between them; {text!r} came.")
    return names


def threads_of(workers: int) -> int:
    """Cores for each of so many workers."""
    return max(1, len(os.sched_getaffinity(0)) // workers)


@contextmanager
def leaving_when_told() -> Iterator[None]:
    """SIGTERM and SIGUSR1 leave with 75, by way of whoever has children to stop."""

    def leave(number: int, frame: object) -> NoReturn:
        say("Stopped. The same command goes on where this one stopped.")
        raise SystemExit(RESUME_ME)

    before = {number: signal.signal(number, leave) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def list_failures(failures: dict[str, str]) -> None:
    """What failed, why, and where its log is."""
    if failures:
        say(f"{len(failures)} failed:")
    for job, error in failures.items():
        say(f"  {job}: {error}")
