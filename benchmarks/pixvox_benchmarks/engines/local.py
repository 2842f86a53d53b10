"""Runs jobs on this machine, one process each: what kills a job kills that job alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from pixvox_benchmarks.dispatch import Ending, dispatch, log_of
from pixvox_benchmarks.life import live, signal_group
from pixvox_registry import ENGINES


@ENGINES.register
@dataclass(frozen=True, kw_only=True)
class Local:
    """Jobs are callables that travel by value (dataclasses), each with a ``name``.

    A fork server that has imported the heavy libraries, and has run nothing, starts each job in
    milliseconds.

    Args:
        workers: how many jobs run at a time.
        logs: folder of what each job prints, ``NAME.log``.
        tries: how often a job may crash before it counts as failed.
        grace_seconds: what running jobs get to write a checkpoint when we are told to stop.
    """

    workers: int = 1
    logs: Path = Path("logs")
    tries: int = 3
    grace_seconds: float = 10.0

    def __call__(self, jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
        """Run all; ``report(job, error or None)`` after each."""
        multiprocessing.get_context("forkserver").set_forkserver_preload(ours_imported())
        dispatch(self, jobs, report, workers=self.workers, logs=self.logs, tries=self.tries)

    def start(self, jobs: Sequence[Any]) -> Iterator[ForkServerProcess]:
        """One process each."""
        context = multiprocessing.get_context("forkserver")
        for job in jobs:
            process = context.Process(target=_run, args=(job, log_of(self.logs, job)))
            process.start()
            yield process

    def ended(
        self, running: Sequence[ForkServerProcess]
    ) -> Iterator[tuple[ForkServerProcess, Ending]]:
        """Those that are gone; what they started ends with them."""
        gone = wait([process.sentinel for process in running])
        for process in running:
            if process.sentinel in gone:
                process.join()
                _signal(process, signal.SIGKILL)
                code = process.exitcode
                yield process, "its process was lost" if code is None else code

    def stop(self, running: Sequence[ForkServerProcess]) -> None:
        """SIGTERM, so that a pretraining writes its checkpoint; SIGKILL for whoever stays."""
        try:
            for process in running:
                _signal(process, signal.SIGTERM)
            deadline = time.monotonic() + self.grace_seconds
            for process in running:
                process.join(max(0.0, deadline - time.monotonic()))
        finally:
            for process in running:
                _signal(process, signal.SIGKILL)


def ours_imported() -> list[str]:
    """Our modules that are loaded by now: jobs need them too, and what those import is slow."""
    return sorted(name for name in sys.modules if name.startswith("pixvox_"))


def _run(job: Any, log: Path) -> None:
    """The life of a job's process."""
    os.setsid()  # its own children die with it, and Ctrl-C at the terminal is ours to handle
    _redirect(log)
    parent = multiprocessing.parent_process()
    if parent is not None:
        live(job, until=parent.join)


def _redirect(log: Path) -> None:
    """Everything that this process prints, C libraries included, goes to its log."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.close(handle)


def _signal(process: ForkServerProcess, number: signal.Signals) -> None:
    if (
        process.pid is not None
        and not signal_group(process.pid, number)
        and process.is_alive()  # not yet a group of its own
    ):
        os.kill(process.pid, number)
