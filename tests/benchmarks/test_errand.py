"""A job's command under its supervisor: whenever that is told to stop, the job may save."""

from __future__ import annotations

import _thread
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.errand import Errand

SAVES = """
import os, signal, sys, time
from pathlib import Path

def save(number, frame):
    time.sleep(0.2)
    Path("saved").touch()
    os._exit(75)

signal.signal(signal.SIGTERM, save)
Path("ready").touch()
time.sleep(60)
"""


def errand_of(folder: Path, code: str, **facts: Any) -> Errand:
    words = (sys.executable, "-c", code)
    return Errand(words=words, folder=str(folder), log=str(folder / "log"), **facts)


def wait_for(file: Path) -> None:
    end = time.monotonic() + 20.0
    while not file.exists():
        assert time.monotonic() < end, f"no {file.name}"
        time.sleep(0.01)


def test_its_exit_code_and_all_that_it_prints(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd()); sys.exit(int(os.environ['PIXVOX_CODE']))"
    assert errand_of(tmp_path, code, variables={"PIXVOX_CODE": "3"})() == 3
    assert (tmp_path / "log").read_text() == f"{tmp_path}\n"


@pytest.fixture(autouse=True)
def interrupted() -> Iterator[None]:
    """SIGINT raises, also where a shell in the background had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_told_while_the_process_starts_the_job_still_saves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(subprocess.Popen[bytes]):
        """The process is up before its starter is back."""

        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            wait_for(tmp_path / "ready")
            _thread.interrupt_main()
            time.sleep(0.2)

    monkeypatch.setattr(subprocess, "Popen", Late)
    with pytest.raises(KeyboardInterrupt):
        errand_of(tmp_path, SAVES)()
    assert (tmp_path / "saved").exists()


def test_who_does_not_leave_in_time_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Known(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            started.append(self)
            wait_for(tmp_path / "ready")
            _thread.interrupt_main()

    monkeypatch.setattr(subprocess, "Popen", Known)
    stubborn = SAVES.replace("0.2", "60")
    with pytest.raises(KeyboardInterrupt):
        errand_of(tmp_path, stubborn, grace_seconds=0.3)()
    (process,) = started
    assert process.returncode == -9 and not (tmp_path / "saved").exists()
