"""Guest cells without torch, and a bench that runs them by any engine in a process of its own."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from pixvox_benchmarks.result import Result, results_below

ENGINES = {"local": "local", "ray": "ray", "slurm": "slurm:cluster=local,settle_seconds=0"}
NEEDS = {"ray": "ray", "slurm": "submitit"}
GUEST = '''
"""Cells without a backbone: a seed decides the digits. A mark says who computed which, and when."""
import json, os, random, signal, sys, time
from dataclasses import asdict, dataclass
from pathlib import Path

from pixvox_benchmarks.case_scores import CaseScores, sha256_of
from pixvox_benchmarks.life import end_of_input, live
from pixvox_benchmarks.result import Result, is_published, key_of, path_of
from pixvox_registry import UserError
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.budgets import budget


@dataclass(frozen=True)
class Cell:
    seed: int
    deed: str
    folder: str

    @property
    def name(self):
        return f"{self.deed}-{self.seed}"

    @property
    def words(self):
        return (sys.executable, "-m", "guest_cells", json.dumps(asdict(self)))

    @property
    def asked(self):
        return {"seed": self.seed}

    @property
    def is_published(self):
        request = fingerprint(self.asked)
        path = path_of("toy", "chance", "guest", "tiny", self.seed, request)
        return is_published(Path(self.folder) / "results", path, request)

    def __call__(self):
        mark = Path(self.folder) / "marks" / f"{self.name}.{os.getpid()}.{os.getppid()}"
        if self.deed == "save":
            signal.signal(signal.SIGTERM, self.write)  # whoever sees the mark may send it
        mark.touch()
        try:
            getattr(self, self.deed)()
        finally:
            mark.rename(mark.with_name(f"{mark.name}.ended"))

    def publish(self):
        chance = random.Random(self.seed)
        time.sleep(chance.random() / 10)  # somebody may kill us here
        share = [chance.random() for _ in range(8)]
        cases = CaseScores.rounded("abcdefgh", [0, 1] * 4, [[1 - p, p] for p in share])
        request = fingerprint(self.asked)
        score = sum((p > 0.5) == t for (_, p), t in zip(cases.probability, cases.target)) / 8
        result(self.seed, self.asked, request, score, cases).write(
            Path(self.folder) / "results", cases)

    def poison(self):
        os.abort()

    def misuse(self):
        raise UserError("one class in test")

    def leave(self):
        sys.exit(0)

    def resume(self):
        """Told to stop twice, done at the third go."""
        if len(list((Path(self.folder) / "marks").glob(f"{self.name}.*"))) < 3:
            sys.exit(75)

    def wait(self):
        time.sleep(60)

    def hold(self):
        while not (Path(self.folder) / "go").exists():
            time.sleep(0.05)

    def save(self):
        """Waits to be told to stop; there is nothing left to do once a checkpoint is there."""
        if not (Path(self.folder) / "saved").exists():
            time.sleep(60)

    def write(self, number, frame):
        time.sleep(0.3)  # whoever kills us instead of waiting finds nothing
        (Path(self.folder) / "saved").touch()
        os._exit(75)


def result(seed, asked, request, score, cases):
    return Result(
        method="guest", family="floor", task="toy", task_version="1", dims=2, units="patient",
        protocol="chance", protocol_version="1", metrics=("accuracy",),
        metric_versions={"accuracy": "1"}, higher_is_better={"accuracy": True},
        budget=budget("tiny", 2).facts(), seed=seed, asked=asked, request=request,
        weights_sha256=fingerprint("weights"), key=key_of(request, fingerprint("weights")),
        plugins={}, scores={"accuracy": score},
        intervals={"accuracy": {"low": 0.0, "high": 1.0, "method": "bca", "note": ""}},
        n_scored=8, n_expected=8, cases_sha256=sha256_of(cases), data={}, chosen={}, health={},
        collapsed=False, parameters=1, provenance={"process": os.getpid()})


if __name__ == "__main__":
    live(Cell(**json.loads(sys.argv[1])), until=end_of_input)
'''
COORDINATOR = """
import json, signal, sys
from pathlib import Path
from guest_cells import Cell
from pixvox_benchmarks.launch import build_engine, leaving_when_told

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the background of a shell
    engine, workers, folder, *cells = sys.argv[1:]
    jobs = [Cell(int(seed), deed, folder) for deed, seed in (cell.split("-") for cell in cells)]
    missing = [job for job in jobs if not job.is_published]
    said = {}
    with leaving_when_told():
        if missing:
            build_engine(engine, workers=int(workers), logs=Path(folder) / "logs")(
                missing, lambda job, error: said.update({job.name: error}))
    (Path(folder) / "said.json").write_text(json.dumps(said))
"""


@dataclass
class Bench:
    """Starts coordinators, and knows who works for them."""

    engine: str
    spelt: str
    folder: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *cells: str, workers: int = 8) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        words = ["coordinator.py", self.spelt, str(workers), str(self.folder), *cells]
        (self.folder / "said.json").unlink(missing_ok=True)
        with (self.folder / "terminal").open("ab") as terminal:  # a pipe would wait for orphans
            coordinator = subprocess.Popen(
                [sys.executable, *words],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": path},
                stdout=terminal,
                stderr=terminal,
            )
        self.started.append(coordinator)
        return coordinator

    def finish(self, *cells: str, workers: int = 8, seconds: float = 900.0) -> dict[str, str]:
        """Run to the end; ``{job: error or None}``."""
        code = self.start(*cells, workers=workers).wait(seconds)
        assert code == 0, self.terminal
        return self.said

    @property
    def terminal(self) -> str:
        return (self.folder / "terminal").read_text()[-3000:]

    @property
    def said(self) -> dict[str, str]:
        return dict(json.loads((self.folder / "said.json").read_text()))

    def marks(self, name: str = "*") -> list[str]:
        """Of attempts that began."""
        return [mark.name for mark in (self.folder / "marks").glob(f"{name}.*")]

    def working(self) -> list[tuple[int, int]]:
        """Processes of jobs that compute, with the process that watches each."""
        pairs = [mark.split(".")[1:] for mark in self.marks() if not mark.endswith("ended")]
        return [(int(pid), int(watcher)) for pid, watcher in pairs if self.is_ours(int(pid))]

    def is_ours(self, pid: int) -> bool:
        """It lives, and in our folder: a number may have been given to a stranger meanwhile."""
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            return state != "Z" and Path(f"/proc/{pid}/cwd").resolve() == self.folder
        except OSError:
            return False

    def send(self, pid: int, number: signal.Signals) -> bool:
        """False where it has ended meanwhile."""
        ours = self.is_ours(pid)
        if ours:
            os.kill(pid, number)
        return ours

    def kill_one(self, *, watcher: bool) -> None:
        """SIGKILL to a job that computes, or to the process that watches it."""
        chance = random.Random(len(self.marks()))

        def hit() -> bool:
            for pair in chance.sample(found := self.working(), len(found)):
                victim = pair[1] if watcher else pair[0]
                if self.send(victim, signal.SIGKILL):
                    return True
            return False

        assert self.until(hit, 60.0), "nobody works"

    def kill_all(self) -> None:
        """Also those that a queue starts meanwhile."""
        while found := self.working():
            for pid, _ in found:
                self.send(pid, signal.SIGKILL)
            time.sleep(0.3)

    def until_published(self, count: int) -> None:
        assert self.until(lambda: len(self.contents) >= count, 600.0), self.terminal

    def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.02)
        return False

    @property
    def contents(self) -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in results_below(self.folder / "results")}

    @property
    def scores(self) -> dict[str, float]:
        """By key; every file is read and checked, the per-case scores too."""
        found = {}
        for file in self.contents:
            result = Result.read(file)
            cases = result.read_cases(file)
            right = sum(
                (p > 0.5) == t for (_, p), t in zip(cases.probability, cases.target, strict=True)
            )
            assert result.scores["accuracy"] == right / 8
            found[result.key] = result.scores["accuracy"]
        return found


@pytest.fixture(params=list(ENGINES))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    missing = NEEDS.get(request.param)
    if missing and find_spec(missing) is None:
        pytest.skip(f"{missing} is not installed")
    (tmp_path / "guest_cells.py").write_text(GUEST)
    (tmp_path / "coordinator.py").write_text(COORDINATOR)
    (tmp_path / "marks").mkdir()
    bench = Bench(request.param, ENGINES[request.param], tmp_path)
    yield bench
    for coordinator in bench.started:  # of a test that failed
        coordinator.kill()
        coordinator.wait()
    bench.kill_all()
