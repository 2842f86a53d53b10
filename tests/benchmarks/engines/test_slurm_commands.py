"""The engine on Slurm's own commands, played by scripts: arrays, flags, and who waits for whom."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.parametrize("bench", ["slurm"], indirect=True)
SLURM = '''#!{python}
"""sbatch, srun and sacct in as few lines as submitit can live with; a job is a process here."""
import os, re, subprocess, sys
from pathlib import Path

here = Path(__file__).parent
name, words = Path(sys.argv[0]).name, sys.argv[1:]

def sbatch():
    script = Path(words[0]).read_text()
    if "--partition=closed" in script:
        sys.exit("sbatch: error: invalid partition specified: closed")
    number = len(list(here.glob("*.sh"))) + 1
    (here / f"{number}.sh").write_text(script)
    array = re.search(r"--array='?0-(\\d+)", script)
    for task in range(int(array[1]) + 1) if array else [None]:
        job = number if task is None else f"{number}_{task}"
        facts = {"SLURM_JOB_ID": str(number), "SLURM_PROCID": "0", "SLURM_LOCALID": "0",
                 "SLURM_NODEID": "0", "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1"}
        if task is not None:
            facts |= {"SLURM_ARRAY_JOB_ID": str(number), "SLURM_ARRAY_TASK_ID": str(task)}
        process = subprocess.Popen(["bash", str(here / f"{number}.sh")], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, **facts}, start_new_session=True)
        (here / f"{job}.pid").write_text(str(process.pid))
    print("Submitted batch job", number)

def srun():
    while words[0].startswith("-"):
        del words[0 : 1 if words[0] == "--unbuffered" else 2]
    os.execvp(words[0], words)

def sacct():
    print("JobID|State|NodeList")
    for file in here.glob("*.pid"):
        try:
            stat = Path("/proc", file.read_text(), "stat").read_text()
            state = "FAILED" if stat.rpartition(")")[2].split()[0] == "Z" else "RUNNING"
        except OSError:
            state = "COMPLETED"
        print(f"{file.stem}|{state}|here")

{"sbatch": sbatch, "srun": srun, "sacct": sacct}[name]()
'''


@pytest.fixture
def slurm(bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bench whose Slurm takes jobs into ``slurm``: N.sh is a submission."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name in ("sbatch", "srun", "sacct"):
        (folder / name).write_text(SLURM.replace("{python}", sys.executable))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    bench.spelt = "slurm:partition=gpu,minutes=90,threads=2,memory_gb=3,settle_seconds=0"
    return bench


def submissions(bench: Any) -> list[str]:
    return [file.read_text() for file in sorted((bench.folder / "slurm").glob("*.sh"))]


def test_jobs_that_start_together_are_one_array_with_the_flags_asked_for(slurm: Any) -> None:
    said = slurm.finish("publish-1", "publish-2", "misuse-3", "publish-4", workers=3)
    assert [name for name, error in said.items() if error] == ["misuse-3"]
    assert len(slurm.scores) == 3
    first, *later = submissions(slurm)
    for flag in ("partition=gpu", "time=90", "cpus-per-task=2", "mem=3GB", "array=0-2%3"):
        assert f"#SBATCH --{flag}\n" in first
    assert len(later) == 1 and "array" not in later[0]


def test_a_coordinator_waits_for_what_a_killed_one_left_in_the_queue(slurm: Any) -> None:
    killed = slurm.start("hold-1", workers=1)
    assert slurm.until(lambda: len(slurm.working()) == 1, 60.0)
    assert slurm.until(lambda: any((slurm.folder / "logs/submitit/notes").glob("*.json")), 60.0)
    killed.send_signal(signal.SIGKILL)
    killed.wait(20)
    stranger = slurm.folder / "logs/submitit/notes/publish-2.json"
    stranger.write_text(json.dumps({"job_id": "1", "words": ["another", "command"]}))
    second = slurm.start("hold-1", "publish-2", workers=2)
    assert slurm.until(lambda: len(slurm.contents) == 1, 30.0), "publish-2 was not submitted"
    assert len(slurm.marks("hold-1")) == 1 and second.poll() is None
    (slurm.folder / "go").touch()
    assert second.wait(60) == 0, slurm.terminal
    assert slurm.said == {"hold-1": None, "publish-2": None}
    assert len(slurm.marks("hold-1")) == 1 and len(submissions(slurm)) == 2

    for file in slurm.contents:  # what is over is not waited for
        file.unlink()
    assert slurm.finish("publish-2") == {"publish-2": None}
    assert len(slurm.scores) == 1 and len(submissions(slurm)) == 3


def test_what_sbatch_says_is_passed_on(slurm: Any) -> None:
    slurm.spelt = "slurm:partition=closed"
    assert slurm.start("publish-1").wait(60) != 0
    assert "Slurm takes no job" in slurm.terminal
    assert "invalid partition specified: closed" in slurm.terminal


def test_a_job_at_its_time_limit_goes_on_under_its_number(bench: Any) -> None:
    bench.spelt = "slurm:cluster=local,minutes=1"  # submitit takes the last ten for the limit
    running = bench.start("save-1", workers=1)
    assert bench.until(lambda: len(bench.working()) == 1, 60.0)
    ((_, watcher),) = bench.working()
    assert bench.send(watcher, signal.SIGUSR2)  # what Slurm sends for submitit
    assert running.wait(60) == 0, bench.terminal
    assert bench.said == {"save-1": None} and (bench.folder / "saved").exists()
    assert len(bench.marks("save-1")) == 2
    assert len(list((bench.folder / "logs" / "submitit").glob("*_submitted.pkl"))) == 1


def test_a_job_ends_with_the_process_that_watches_it(bench: Any) -> None:
    running = bench.start("hold-1", workers=1)
    assert bench.until(lambda: len(bench.working()) == 1, 60.0)
    ((job, watcher),) = bench.working()
    assert bench.send(watcher, signal.SIGKILL)
    assert bench.until(lambda: not bench.is_ours(job), 5.0)
    (bench.folder / "go").touch()
    assert running.wait(60) == 0, bench.terminal
    assert bench.said == {"hold-1": None} and len(bench.marks("hold-1")) == 2
