"""However a job ends, and however we do, each engine says the same."""

from __future__ import annotations

import signal
from typing import Any

import pytest


def test_each_ending_is_told_in_its_words(bench: Any) -> None:
    said = bench.finish("publish-1", "misuse-2", "leave-3", "resume-4", workers=3)
    logs = bench.folder / "logs"
    assert said == {
        "publish-1": None,
        "misuse-2": f"one class in test; see {logs / 'misuse-2.log'}",
        "leave-3": f"the job called sys.exit(0) (3 tries); see {logs / 'leave-3.log'}",
        "resume-4": None,
    }
    # Wrong input is final; a job that was told to stop goes on, and that is no try.
    tries = {name: len(bench.marks(name)) for name in said}
    assert tries == {"publish-1": 1, "misuse-2": 1, "leave-3": 3, "resume-4": 3}
    assert (logs / "leave-3.log").read_text().count(" process ") == 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGKILL, -9)])
def test_jobs_end_with_their_coordinator_unless_a_queue_has_them(
    bench: Any, number: int, code: int
) -> None:
    coordinator = bench.start("wait-1", "save-2", workers=2)
    assert bench.until(lambda: len(bench.working()) == 2, 60.0)
    coordinator.send_signal(number)
    assert coordinator.wait(60) == code, bench.terminal
    if bench.engine == "slurm":
        assert not bench.until(lambda: len(bench.working()) < 2, 1.0)
        bench.kill_all()
    else:
        assert bench.until(lambda: not bench.working(), 10.0)
    told = "2 jobs stay in the queue. To cancel them: scancel " in bench.terminal
    assert told == (bench.engine == "slurm" and number == signal.SIGTERM)
    # Whoever is told to stop lets jobs write their checkpoint.
    saved = (bench.folder / "saved").exists()
    assert saved == (bench.engine != "slurm" and number == signal.SIGTERM)
