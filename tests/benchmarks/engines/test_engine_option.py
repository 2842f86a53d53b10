"""``--engine``: how it is spelt, what it refuses, and that it decides no digit."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.grid import Cell, Pretraining
from pixvox_benchmarks.job import parse
from pixvox_benchmarks.jobs import MakeJob, MeasureJob, Runs
from pixvox_benchmarks.launch import build_engine
from pixvox_benchmarks.result import Result, results_below
from pixvox_registry import UserError

Start = Callable[..., "subprocess.Popen[str]"]
PRETRAINING = Pretraining(method='hub:o\'er "x"', task="squares", budget="tiny", seed=2)
SHARED: dict[str, Any] = {
    "runs": Runs(folder="out/runs"),
    "threads": 1,
    "code": {"commit": "unknown", "dirty": ""},
}


@pytest.mark.parametrize(
    "job",
    [
        MakeJob(pretraining=PRETRAINING, **SHARED),
        MeasureJob(
            cell=Cell(pretraining=PRETRAINING, protocol="nearest"),
            request="0" * 64,
            results="out/results",
            predictions="",
            **SHARED,
        ),
    ],
)
def test_a_job_comes_back_from_its_command(job: MakeJob | MeasureJob) -> None:
    assert parse(job.words[-1]) == job


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"kind": "measure"}', '{"kind": "mak"}', '{"kind": "make", "a": 1}']
)
def test_what_is_no_job_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(UserError, match=r"kind \(make, measure\)") as refused:
        parse(text)
    assert repr(text) in str(refused.value)


def engine(text: str) -> Any:
    return build_engine(text, workers=3, logs=Path("logs"))


def test_settings_of_an_engine_stand_after_its_name() -> None:
    pytest.importorskip("ray")
    pytest.importorskip("submitit")
    chosen = engine("slurm:partition=gpu,minutes=600,gpus=1,memory_gb=7.5,cluster=local")
    assert (chosen.partition, chosen.minutes, chosen.gpus, chosen.memory_gb) == ("gpu", 600, 1, 7.5)
    assert (chosen.workers, chosen.logs, chosen.threads) == (3, Path("logs"), 1)
    assert engine("ray:address=10.0.0.1:6379").address == "10.0.0.1:6379"
    assert engine("local").workers == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slrum", "Did you mean 'slurm'"),
        ("slurm:partitoin=gpu", "Did you mean 'partition'"),
        ("slurm:minutes=long", "wants minutes as int; 'long' came"),
        ("slurm:cluster=moon", "cluster is slurm or local, not 'moon'"),
        ("slurm:gpu", "--engine wants NAME"),
        ("slurm:gpu,minutes=1", "--engine wants NAME"),
        ("slurm,minutes=1", "--engine wants NAME"),
        ("slurm:", "--engine wants NAME"),
        ("", "--engine wants NAME"),
        ("ray:workers=4", "gives workers, which other options decide"),
    ],
)
def test_an_engine_that_is_spelt_wrong_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        engine(text)


@pytest.mark.parametrize(("name", "needed"), [("ray", "ray"), ("slurm", "submitit")])
def test_an_engine_that_is_not_installed_says_what_to_install(
    name: str, needed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    module = importlib.import_module(f"pixvox_benchmarks.engines.{name}")
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == needed else find(name))
    with pytest.raises(UserError, match=rf"pip install 'pixvox\[{name}\]'"):
        engine(name)


def test_a_machine_without_slurm_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    chosen = build_engine("slurm", workers=1, logs=tmp_path)
    with pytest.raises(UserError, match="finds no Slurm on this machine"):
        chosen([], lambda job, error: None)


def test_a_cluster_that_does_not_answer_is_told_at_once() -> None:
    pytest.importorskip("ray")
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        chosen = engine(f"ray:address=127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(UserError, match="finds no cluster at '127"):
            chosen([], lambda job, error: None)


def test_gpus_that_this_machine_lacks_are_refused() -> None:
    pytest.importorskip("ray")
    chosen = engine("ray:gpus=0.5")
    with pytest.raises(UserError, match=r"wants 0\.5 GPUs for each job; this machine has 0"):
        chosen._check_gpus(0.0)
    chosen._check_gpus(1.0)


def facts(folder: Path) -> Sequence[tuple[str, dict[str, float], str]]:
    found = [Result.read(file) for file in results_below(folder / "results")]
    return [(result.key, dict(result.scores), result.cases_sha256) for result in found]


@pytest.mark.parametrize(
    ("spelt", "needs"),
    [
        pytest.param("ray", "ray", marks=pytest.mark.slow),
        ("slurm:cluster=local,threads=1,minutes=5", "submitit"),
    ],
)
def test_ids_and_scores_are_those_of_the_local_engine(
    spelt: str, needs: str, pixvox: Start, tally: Callable[[str], int], tmp_path: Path
) -> None:
    pytest.importorskip(needs)
    words = ("benchmark", "--methods", "guest:plain", "--tasks", "squares", "--protocols")
    words = (*words, "nearest", "--budget", "tiny", "--seeds", "1", "--quiet")
    for chosen, folder in (("local", "here"), (spelt, "there")):
        running = pixvox(*words, "--engine", chosen, "--out", folder)
        _, err = running.communicate(timeout=200)
        assert running.returncode == 0, err
    assert facts(tmp_path / "here") == facts(tmp_path / "there") != []
    assert tally("make-plain-0") == tally("load-plain-0") == 2
