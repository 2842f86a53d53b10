"""A job as a command that any machine with the same files can run, supervised where it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from pixvox_benchmarks.dispatch import log_of
from pixvox_benchmarks.life import signal_group

POLL_SECONDS = 0.05
CARRIED = ("PIXVOX_", "PYTHONPATH")  # beginnings of variables that a job must see alike


def variables() -> dict[str, str]:
    """What of this process's environment goes with a job to another machine."""
    return {name: value for name, value in os.environ.items() if name.startswith(CARRIED)}


@dataclass(frozen=True, kw_only=True)
class Errand:
    """Text and numbers only: it is sent to other processes.

    Args:
        words: the command.
        folder: where it runs; relative paths of a job mean this one.
        log: takes all that it prints.
        grace_seconds: what it gets to write a checkpoint when its supervisor is told to stop.
    """

    words: tuple[str, ...]
    folder: str
    log: str
    variables: Mapping[str, str] = field(default_factory=variables)
    grace_seconds: float = 10.0

    @classmethod
    def of(cls, job: Any, logs: Path) -> Errand:
        """A job's, from here."""
        log = log_of(logs, job).absolute()
        return cls(words=tuple(job.words), folder=os.getcwd(), log=str(log))

    def __call__(self) -> int:
        """Its exit code; what it started has ended with it.

        Whoever tells us to stop raises in this thread at any step, so also while the process
        starts. Therefore another thread has it.
        """
        told = Event()
        with ThreadPoolExecutor(1) as watch:
            try:
                ending = watch.submit(self._watch, told)
                # Ray's cancelling sets a flag that Python reads between two steps of ours, not
                # while it waits in the kernel.
                while not ending.done():
                    time.sleep(POLL_SECONDS)
                return ending.result()
            finally:
                told.set()

    def _watch(self, told: Event) -> int:
        """Its stdin is a pipe from here, which breaks when we are killed: ``end_of_input``."""
        with (
            open(self.log, "ab") as log,
            subprocess.Popen(
                self.words,
                cwd=self.folder,
                env={**os.environ, **self.variables},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            try:
                while process.poll() is None and not told.wait(POLL_SECONDS):
                    continue
                if process.poll() is None:
                    signal_group(process.pid, signal.SIGTERM)
                return process.wait(self.grace_seconds)
            finally:
                signal_group(process.pid, signal.SIGKILL)
