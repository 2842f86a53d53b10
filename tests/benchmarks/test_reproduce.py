"""``pixvox reproduce``: the same bits, a difference that is told, and what has changed since."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks import replay
from pixvox_benchmarks.case_scores import CaseScores, sha256_of
from pixvox_benchmarks.commands import reproduce as command
from pixvox_benchmarks.grid import Grid
from pixvox_benchmarks.plan import plan
from pixvox_benchmarks.result import Result, results_below
from pixvox_benchmarks.runner import run
from pixvox_benchmarks.scoring import score
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import COMMANDS, UserError, registry
from pixvox_registry.errors import NoData
from pixvox_registry.source_code import digest_of_code

Start = Callable[..., subprocess.Popen[str]]
Reproduce = Callable[..., tuple[int, Any, str]]


def in_turn(jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
    """An engine without processes."""
    for job in jobs:
        job()
        report(job, None)


@pytest.fixture
def published(house: Path, tmp_path: Path) -> Path:
    """The result of the second of two seeds."""
    names = {"methods": ("guest:plain",), "tasks": ("squares",), "protocols": ("nearest",)}
    planned = plan(Grid(**names, seeds=2, budget="tiny"), tmp_path / "grid")
    assert run(planned, in_turn, threads=1, quiet=True) == {}
    (file,) = [f for f in results_below(tmp_path / "grid/results") if "-s1-" in f.name]
    return file


@pytest.fixture
def reproduced(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Reproduce:
    """The command in this process: its exit code, its JSON, and what it said."""
    monkeypatch.setattr(command, "build_engine", lambda *_, **__: in_turn)

    def call(row: Path | str, **options: Any) -> tuple[int, Any, str]:
        out = tmp_path / f"replay-{len(list(tmp_path.iterdir()))}"
        code, options = 0, {"out": out, **options}
        try:
            COMMANDS.get("reproduce")(str(row), json=True, quiet=True, **options)
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else None, said.err

    return call


def test_a_published_cell_comes_again_bit_for_bit(
    pixvox: Start, published: Path, tmp_path: Path, tally: Callable[[str], int]
) -> None:
    key = Result.read(published).key[:12]
    words = [key, "--results", str(tmp_path / "grid/results"), "--out", str(tmp_path / "replay")]
    process = pixvox("reproduce", *words, "--json")
    out, err = process.communicate()
    assert process.returncode == 0, err
    said = json.loads(out)
    assert said["identical"] and said["same"] and said["verdict"].startswith("same, bit for bit")
    assert said["cases"] == 0 and not said["asked_otherwise"]
    assert tally("make-plain-0") == 1, "the seed before it is not made again"
    assert tally("make-plain-1") == 2


def forged(file: Path, change: Callable[[CaseScores], CaseScores]) -> Path:
    """Another result in place of a true one, whole in itself."""
    result = Result.read(file)
    cases = change(result.read_cases(file))
    file.unlink()
    scores, intervals = score(cases, result.metrics)
    result = replace(
        result, scores=scores, intervals=intervals, cases_sha256=sha256_of(cases), n_scored=24
    )
    result.write(file.parents[2], cases)
    return file


def test_a_forged_score_is_found_out(reproduced: Reproduce, published: Path) -> None:
    def better(cases: CaseScores) -> CaseScores:
        sure = tuple((1.0, 0.0) if target == 0 else (0.0, 1.0) for target in cases.target)
        return replace(cases, probability=sure)

    code, said, err = reproduced(forged(published, better))
    assert code == 1, err
    assert said["verdict"].startswith("differs: a score by") and not said["same"]
    assert max(abs(row["difference"]) for row in said["scores"]) > 1e-3
    code, said, err = reproduced(published, tolerance=1)
    assert code == 0 and said["verdict"].startswith("same within 1:"), err


def test_other_cases_are_no_replay(reproduced: Reproduce, published: Path) -> None:
    def renamed(cases: CaseScores) -> CaseScores:
        return replace(cases, ids=(*cases.ids[:-1], "test/other"))

    code, said, _ = reproduced(forged(published, renamed), tolerance=1)
    assert (code, said["cases"]) == (1, None)
    assert said["verdict"] == "differs: other cases were scored"


def test_what_has_changed_since_is_told(
    reproduced: Reproduce, published: Path, house: Path
) -> None:
    protocol = house / "guest_protocol.py"
    # Of another length: Python takes a module of the same second and size for compiled already.
    protocol.write_text(protocol.read_text().replace("sharpness=1.0", "sharpness=9.25"))
    sys.modules.pop("guest_protocol")
    digest_of_code.cache_clear()
    registry._installed.cache_clear()
    code, said, err = reproduced(published)
    told = {name for name, _, _ in said["asked_otherwise"]}
    assert told == {"protocol.settings.sharpness", "plugins.protocol/nearest"}
    assert code == 1 and "is asked otherwise today" in err
    code, out, err = reproduced(published, dry_run=True)
    assert (code, out["verdict"]) == (0, None) and "protocol.settings.sharpness" in err
    assert {name for name, _, _ in out["asked_otherwise"]} == told


def test_a_metric_that_is_gone_and_an_undefined_case_are_no_replay(published: Path) -> None:
    result = Result.read(published)
    cases = result.read_cases(published)
    fewer = replace(result, scores={"auc": result.scores["auc"]})
    found = replay.verdict(result, cases, fewer, cases, 1.0)
    assert found.gone == result.metrics[1:] and not found.is_same
    assert found.told.startswith("differs: accuracy")
    figures = [replace(cases, columns={"dice": (v, *[0.5] * 23)}) for v in (float("nan"), 0.9)]
    found = replay.verdict(result, figures[0], result, figures[1], 1.0)
    assert found.cases is None and not found.is_same


def test_a_replay_that_is_there_is_told(
    reproduced: Reproduce, published: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    said = [reproduced(published, out=None)[2] for _ in range(2)]
    assert "replayed before" not in said[0] and "It was replayed before, in runs" in said[1]
    here = replay.place_of(Result.read(published))
    monkeypatch.setattr(replay, "provenance", lambda: {"packages": {"torch": "9"}})
    assert replay.place_of(Result.read(published)) != here, "another environment, another folder"


@pytest.mark.parametrize(
    ("row", "said"), [("abc", "at least 6 digits"), ("simclr", "at least 6"), ("0" * 64, "none")]
)
def test_rows_that_name_nothing_are_refused(published: Path, row: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        replay.file_of(row, published.parents[2])


def test_a_key_that_two_results_share_is_refused(published: Path) -> None:
    key, results = Result.read(published).key[:12], published.parents[2]
    copy = published.with_name("copy.json")
    copy.write_bytes(published.read_bytes())
    assert replay.file_of(key.upper(), results) in (copy, published), "a copy is the same result"
    result = Result.read(published)
    other = replace(result, provenance={**result.provenance, "at": "another day"})
    other.write(results / "again", result.read_cases(published))
    with pytest.raises(UserError, match="should have a key"):
        replay.file_of(key, results)


def test_data_that_is_not_at_hand_is_told_once(
    published: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def lacking(task: object) -> str:
        raise NoData("squares.npz was looked for")

    monkeypatch.setattr(ClassificationTask, "fingerprint", lacking)
    capsys.readouterr()
    with pytest.raises(NoData, match="looked for"):
        replay.planned(Result.read(published), tmp_path / "replay")
    assert capsys.readouterr().err == "", "the apology is the only sentence"
