"""``pixvox board --renew``: intervals follow today's rule, and nothing else moves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pixvox_benchmarks.result import Result, results_below
from pixvox_leaderboards.commands.board import board
from pixvox_leaderboards.renewal import renew
from pixvox_leaderboards.verify import examine
from pixvox_registry import UserError

COMMITTED = Path(__file__).parents[2] / "leaderboards" / "results"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A result with its cases, as it was committed."""
    original = next(f for f in results_below(COMMITTED) if "breastmnist" in f.parts)
    for part in original.parent.glob(f"{original.stem}*"):
        shutil.copy(part, tmp_path)
    return tmp_path / original.name


def with_low(file: Path, low: float) -> Result:
    """The result with another lower end of its first interval, sealed anew."""
    result = Result.read(file)
    first = result.metrics[0]
    intervals = {**result.intervals, first: {**result.intervals[first], "low": low}}
    changed = replace(result, intervals=intervals)
    file.write_bytes(changed.content())
    return result


def test_an_interval_of_another_rule_is_found_anew_and_nothing_else(file: Path) -> None:
    before = with_low(file, 0.5)
    assert examine(file).fault
    board(file.parent, renew=True)
    after = Result.read(file)
    assert not examine(file).fault
    assert after.intervals[after.metrics[0]] == pytest.approx(before.intervals[before.metrics[0]])
    assert {"commit", "dirty"} <= set(after.provenance["intervals_by"])
    assert (after.key, after.scores, after.cases_sha256) == (
        before.key,
        before.scores,
        before.cases_sha256,
    )
    assert not renew(file)


def test_what_today_s_rule_finds_too_is_left_as_it_is(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = file.read_bytes()
    board(file.parent, renew=True)
    assert file.read_bytes() == content
    assert "1 results read, the intervals of 0 found anew." in capsys.readouterr().err


def test_a_score_that_its_cases_do_not_give_is_no_matter_of_intervals(file: Path) -> None:
    result = Result.read(file)
    scores = {**result.scores, result.metrics[0]: 0.5}
    file.write_bytes(replace(result, scores=scores).content())
    with pytest.raises(UserError, match="a score must be measured anew"):
        renew(file)
