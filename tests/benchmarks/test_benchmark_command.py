"""``pixvox benchmark`` end to end, with guests: killed, poisoned, repeated, misused."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pixvox_benchmarks.result import Result, results_below
from pixvox_registry.__main__ import main

Start = Callable[..., "subprocess.Popen[str]"]
SQUARES = ("benchmark", "--tasks", "squares", "--protocols", "nearest", "--budget", "tiny")


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def until_one_result(folder: Path, process: subprocess.Popen[str]) -> None:
    while not results_below(folder) and process.poll() is None:
        time.sleep(0.02)


def test_a_killed_grid_computes_only_the_rest(
    pixvox: Start, tally: Callable[[str], int], tmp_path: Path
) -> None:
    words = (*SQUARES, "--methods", "guest:plain,guest:other", "--seeds", "3", "--out", "out")
    killed = pixvox(*words)
    until_one_result(tmp_path / "out" / "results", killed)
    killed.send_signal(signal.SIGKILL)
    ended(killed)
    time.sleep(0.3)  # its last job may have been publishing
    published = {file: file.read_bytes() for file in results_below(tmp_path / "out" / "results")}
    assert 1 <= len(published) < 6
    code, _, err = ended(pixvox(*words))
    assert code == 0, err
    assert f"6 cells: {len(published)} finished, {6 - len(published)} to do" in err
    results = results_below(tmp_path / "out" / "results")
    assert len({Result.read(file).request for file in results}) == len(results) == 6
    assert all(file.read_bytes() == content for file, content in published.items())
    assert all(tally(f"make-{m}-{s}") == 1 for m in ("plain", "other") for s in range(3))


def test_a_poison_method_fails_alone_and_a_rerun_computes_nothing(
    pixvox: Start, tally: Callable[[str], int], tmp_path: Path
) -> None:
    words = (*SQUARES, "--seeds", "2", "--workers", "2", "--out", "out", "--json", "--methods")
    code, _, err = ended(pixvox(*words, "guest:plain,guest:poison,guest:other"))
    assert code == 1
    assert tally("make-poison-0") == tally("make-poison-1") == 3
    assert "make-guest_poison-squares-tiny-s0: killed by SIGABRT (3 tries); see out/logs/" in err
    assert "measure-guest_poison-squares-tiny-s1-nearest: its weights were not made" in err
    assert len(results_below(tmp_path / "out" / "results")) == 4
    log = next((tmp_path / "out" / "logs").glob("measure-guest_plain-*-s0-*.log")).read_text()
    assert log.count("opens the test split of squares") == 1

    code, out, err = ended(pixvox(*words, "guest:plain,guest:other"))
    assert code == 0, err
    assert "4 cells: 4 finished, 0 to do" in err
    assert tally("load-plain-0") == tally("load-other-1") == 1
    json.loads(out)


def test_sigterm_leaves_with_75(pixvox: Start, tally: Callable[[str], int]) -> None:
    running = pixvox(*SQUARES, "--methods", "guest:slow", "--seeds", "3", "--out", "out")
    while not tally("make-slow-0") and running.poll() is None:
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    code, _, err = ended(running)
    assert code == 75
    assert "goes on where this one stopped" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--methods", "guset:plain"), "Did you mean 'guest'"),
        (("--methods", "guest:plane"), "No projection is called 'plane'"),
        (("--methods", " , "), "--methods wants names"),
        (("--methods", "guest:plain", "--engine", "locla"), "Did you mean 'local'"),
        (("--methods", "guest:plain", "--budget", "tinny"), "Did you mean 'tiny'"),
    ],
)
def test_wrong_input_ends_with_2_and_leaves_nothing(
    words: tuple[str, ...],
    message: str,
    house: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        main([*SQUARES, "--out", str(tmp_path / "out"), *words])
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (2, "")
    assert message in said.err and said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_missing_data_is_found_before_anything_runs(
    house: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SQUARES_MISSING", "1")
    with pytest.raises(SystemExit) as left:
        main([*SQUARES, "--methods", "guest:plain", "--out", str(tmp_path / "out")])
    assert left.value.code == 2
    assert "squares.npz was looked for" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_dry_run_says_what_it_will_cost_and_writes_nothing(
    house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--methods", "guest:plain", "--out", str(tmp_path / "out"), "--dry-run", "--json")
    with pytest.raises(SystemExit) as left:
        main([*SQUARES, *words])
    assert not left.value.code
    rows = json.loads(capsys.readouterr().out)
    assert [row["method"] for row in rows] == ["guest:plain", "total"]
    assert rows[-1]["pretraining_s"] == 37.5  # three seeds
    assert not (tmp_path / "out").exists()
