"""Runs jobs on this machine, one process each: what kills a job kills that job alone."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from pixvox_registry import ENGINES, UserError

WRONG_INPUT, CRASHED = 2, 70  # exit codes of a job; 0 is done
SPOKEN = "pixvox: "  # begins the last line of a job that could say why it ends


@ENGINES.register
@dataclass(frozen=True, kw_only=True)
class Local:
    """Jobs are callables that travel by value (dataclasses), each with a ``name``.

    A fork server that has imported the heavy libraries, and has run nothing, starts each job in
    milliseconds. A job that crashes is tried again; one that says UserError would say it again.

    Args:
        workers: how many jobs run at a time.
        logs: folder of what each job prints, ``NAME.log``.
        preload: modules that the fork server imports once for all jobs.
        tries: how often a job may crash before it counts as failed.
        grace_seconds: what running jobs get to write a checkpoint when we are told to stop.
    """

    workers: int = 1
    logs: Path = Path("logs")
    preload: tuple[str, ...] = ()
    tries: int = 3
    grace_seconds: float = 10.0

    def __call__(self, jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
        """Run all; ``report(job, error or None)`` after each."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(self.preload))
        waiting = deque((job, 1) for job in jobs)
        running: dict[Any, tuple[ForkServerProcess, Any, int]] = {}
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    job, number = waiting.popleft()
                    process = context.Process(target=_run, args=(job, self._log(job)))
                    process.start()
                    running[process.sentinel] = process, job, number
                for sentinel in wait(list(running)):
                    process, job, number = running.pop(sentinel)
                    process.join()
                    _signal_group(process, signal.SIGKILL)  # what it started ends with it
                    again, error = self._verdict(job, process.exitcode, number)
                    if again:
                        waiting.append((job, number + 1))
                    else:
                        report(job, error)
        finally:
            self._stop([process for process, _, _ in running.values()])

    def _log(self, job: Any) -> Path:
        return self.logs / f"{job.name}.log"

    def _verdict(self, job: Any, code: int | None, number: int) -> tuple[bool, str | None]:
        """Whether to try again, and what to report."""
        if code == 0:
            return False, None
        if code != WRONG_INPUT and number < self.tries:
            return True, None
        tried = "" if number == 1 else f" ({number} tries)"
        return False, f"{_last_words(self._log(job), code)}{tried}; see {self._log(job)}"

    def _stop(self, processes: Sequence[ForkServerProcess]) -> None:
        """SIGTERM, so that a pretraining writes its checkpoint; SIGKILL for whoever stays."""
        try:
            for process in processes:
                _signal_group(process, signal.SIGTERM)
            deadline = time.monotonic() + self.grace_seconds
            for process in processes:
                process.join(max(0.0, deadline - time.monotonic()))
        finally:
            for process in processes:
                _signal_group(process, signal.SIGKILL)


def _run(job: Any, log: Path) -> None:
    """The life of a job's process."""
    os.setsid()  # its own children die with it, and Ctrl-C at the terminal is ours to handle
    _redirect(log)
    faulthandler.enable()
    threading.Thread(target=_follow_parent, daemon=True).start()
    try:
        job()
    except UserError as error:
        _leave(str(error), WRONG_INPUT)
    except SystemExit as error:
        _leave(f"the job called sys.exit({error.code!r})", CRASHED)
    except BaseException as error:
        traceback.print_exc()
        _leave(f"{type(error).__name__}: {error}", CRASHED)


def _redirect(log: Path) -> None:
    """Everything that this process prints, C libraries included, goes to its log."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.close(handle)
    print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} process {os.getpid()}", flush=True)


def _follow_parent() -> None:
    """End at once when the coordinator is gone, even by kill -9: a rerun may be starting."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.killpg(os.getpgrp(), signal.SIGKILL)


def _leave(words: str, code: int) -> None:
    print(SPOKEN + " ".join(words.split()), file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(code)


def _last_words(log: Path, code: int | None) -> str:
    """Why a job ended: the signal that ended it, or its own last line."""
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    last = log.read_text(errors="replace").strip().splitlines()[-1]
    if last.startswith(SPOKEN):
        return last.removeprefix(SPOKEN)
    return f"ended with exit code {code}"


def _signal_group(process: ForkServerProcess, number: signal.Signals) -> None:
    if process.pid is not None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:  # already gone, or not yet a group of its own
            if process.is_alive():
                os.kill(process.pid, number)
