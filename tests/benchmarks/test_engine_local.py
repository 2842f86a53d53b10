"""The local engine: a job fails alone, a crash is tried again, and nobody outlives us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pixvox_registry import ENGINES

JOBS = """
import ctypes, os, signal, subprocess, sys, time
from dataclasses import dataclass
from pathlib import Path
from pixvox_registry import UserError

@dataclass(frozen=True)
class Job:
    name: str
    deed: str
    folder: str

    def __call__(self):
        print("try of", self.name, flush=True)
        mark = Path(self.folder) / self.name
        with mark.open("a") as stream:
            stream.write(f"{os.getpid()}\\n")
        getattr(self, self.deed)(mark)

    def succeed(self, mark): ...
    def segfault(self, mark): ctypes.string_at(0)
    def get_killed(self, mark): os.kill(os.getpid(), signal.SIGKILL)
    def leave(self, mark): sys.exit(0)
    def fail(self, mark): raise ValueError("no such luck")
    def misuse(self, mark): raise UserError("one class in test")
    def recover(self, mark):
        if len(mark.read_text().splitlines()) < 3:
            os.abort()
    def sleep(self, mark):
        subprocess.Popen(["sleep", "61.5"])
        time.sleep(60)
    def save(self, mark):
        signal.signal(signal.SIGTERM, lambda *_: (mark.with_suffix(".saved").touch(), sys.exit(75)))
        time.sleep(60)
"""
COORDINATOR = """
import signal, sys
from pathlib import Path
from guest_jobs import Job
from pixvox_registry import ENGINES
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
if __name__ == "__main__":
    deeds, folder = sys.argv[1].split(","), sys.argv[2]
    jobs = [Job(f"{number}-{deed}", deed, folder) for number, deed in enumerate(deeds)]
    engine = ENGINES.build("local", workers=4, logs=Path(folder) / "logs", grace_seconds=3.0)
    engine(jobs, lambda job, error: None)
"""


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "guest_jobs.py").write_text(JOBS)
    (tmp_path / "coordinator.py").write_text(COORDINATOR)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def outcomes(folder: Path, *deeds: str, workers: int = 2) -> dict[str, str | None]:
    from guest_jobs import Job

    said: dict[str, str | None] = {}
    engine = ENGINES.build("local", workers=workers, logs=folder / "logs")
    engine(
        [Job(deed, deed, str(folder)) for deed in deeds], lambda job, e: said.update({job.name: e})
    )
    return said


def tries(folder: Path, name: str) -> int:
    return len((folder / name).read_text().splitlines())


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def sleepers() -> int:
    """Grandchildren of ours: what the job ``sleep`` started."""
    found = 0
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += file.read_bytes() == b"sleep\x0061.5\x00"
        except OSError:  # gone meanwhile
            continue
    return found


def until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_a_job_fails_alone_after_three_tries_and_says_why(guest: Path) -> None:
    wrong = {
        "segfault": "killed by SIGSEGV",
        "get_killed": "killed by SIGKILL",
        "leave": "the job called sys.exit(0)",
        "fail": "ValueError: no such luck",
    }
    said = outcomes(guest, *wrong, "succeed", "recover")
    for name, why in wrong.items():
        assert tries(guest, name) == 3
        log = guest / "logs" / f"{name}.log"
        assert said[name] == f"{why} (3 tries); see {log}"
        assert log.read_text().count(f"try of {name}") == 3
    assert said["succeed"] is None and tries(guest, "succeed") == 1
    assert said["recover"] is None and tries(guest, "recover") == 3


def test_wrong_input_is_not_tried_again(guest: Path) -> None:
    said = outcomes(guest, "misuse")
    assert said["misuse"] == f"one class in test; see {guest / 'logs' / 'misuse.log'}"
    assert tries(guest, "misuse") == 1


def hear_interrupts() -> None:
    """A shell that puts us into the background has our children ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 75), (signal.SIGKILL, -9), (signal.SIGINT, None)]
)
def test_nobody_outlives_the_coordinator(guest: Path, number: int, code: int | None) -> None:
    before = sleepers()
    command = [sys.executable, "coordinator.py", "sleep,save", str(guest)]
    path = os.pathsep.join([str(guest), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        command,
        cwd=guest,
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
        preexec_fn=hear_interrupts,
    ) as coordinator:
        marks = [guest / "0-sleep", guest / "1-save"]
        assert until(lambda: all(m.exists() and m.read_text() for m in marks))
        assert until(lambda: sleepers() == before + 1)
        time.sleep(0.1)
        coordinator.send_signal(number)
        assert coordinator.wait(20) == code if code is not None else coordinator.wait(20) != 0
    pids = [int(mark.read_text()) for mark in marks]
    assert until(lambda: not any(alive(pid) for pid in pids) and sleepers() == before, 5.0)
    assert (guest / "1-save.saved").exists() == (number != signal.SIGKILL)
