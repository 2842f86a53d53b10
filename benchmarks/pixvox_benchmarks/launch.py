"""Launching a grid from a command: what is missing, how to stop, and what failed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from pixvox_registry import ENGINES, UserError
from pixvox_registry.console import say
from pixvox_registry.errors import RESUME_ME

if TYPE_CHECKING:
    from pixvox_benchmarks.plan import Plan

STOPS = (signal.SIGTERM, signal.SIGUSR1)  # schedulers send either


def complete(planned: Plan, engine: str, *, workers: int, quiet: bool) -> dict[str, str]:
    """Compute the cells that are missing; ``{job: error}`` of whatever failed."""
    from pixvox_benchmarks.runner import run

    missing = len(planned.missing())
    say(f"{len(planned.cells)} cells: {len(planned.cells) - missing} finished, {missing} to do.")
    if not missing:
        return {}
    chosen = ENGINES.build(
        engine, workers=workers, logs=planned.out / "logs", preload=imported_by_planning()
    )
    return run(planned, chosen, threads=threads_of(workers), quiet=quiet)


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


def imported_by_planning() -> tuple[str, ...]:
    """Our modules that are loaded by now: jobs need them too, and what those import is slow."""
    return tuple(sorted(name for name in sys.modules if name.startswith("pixvox_")))


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
