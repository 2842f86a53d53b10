"""``pixvox board --add``: true results come in, each fault has its own words, nothing half-way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.result import Result, results_below
from pixvox_leaderboards.adding import add
from pixvox_registry import COMMANDS, UserError

from .stranger import HERE, Change, both, deep, recased, rescored, resealed, sent

Publish = Callable[..., Path]


@pytest.fixture
def given(publish: Publish, tmp_path: Path) -> Path:
    """A result from elsewhere, and a board that has two of the same task."""
    publish("ours", **HERE)
    publish("random_init", skill=0.1, **HERE)
    return sent(publish("theirs", skill=2.0, **HERE), tmp_path / "theirs")


@pytest.fixture
def board(tmp_path: Path) -> Path:
    return tmp_path / "results"


def test_a_true_result_comes_in_once_with_its_cases(given: Path, board: Path) -> None:
    (new,) = add(given, board)
    assert new.read_bytes() == given.read_bytes()
    assert Result.read(new).read_cases(new) == Result.read(given).read_cases(given)
    assert len(results_below(board)) == 3
    assert add(given, board) == [] and add(given.parent, board) == []


def test_the_command_takes_in_and_shows(
    given: Path, board: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    COMMANDS.get("board")(board, add=given)
    said = capsys.readouterr()
    assert "took in" in said.err and "| theirs " in said.out.replace("**", "")


FAULTS = {
    "schema": (deep("schema", to=9), "no result of schema 1"),
    "no field": (lambda facts: facts.pop("scores"), "lacks scores"),
    "other field": (deep("score", to=1.0), "Did you mean 'scores'"),
    "type": (deep("seed", to="0"), "seed should be a int"),
    "percentage": (deep("scores", "auc", to=91.2), "a fraction, not a percentage"),
    "cases left out": (deep("n_scored", to=59), "59 of 60 cases are scored"),
    "fewer cases": (both(deep("n_scored", to=59), deep("n_expected", to=59)), "states 59 cases"),
    "better score": (deep("scores", "auc", to=0.99), "its cases give"),
    "narrower interval": (deep("intervals", "auc", "low", to=0.9), "its cases give"),
    "unknown task": (deep("task", to="brestmnist"), "No task is called 'brestmnist'"),
    "unknown protocol": (deep("protocol", to="knn_prob"), "No protocol is called"),
    "no protocol": (deep("protocol", to="../../etc"), "is no name"),
    "another task": (deep("task", to="bloodmnist"), "says task 'bloodmnist'"),
    "another method": (deep("method", to="ours"), "says method 'ours'"),
    "another seed": (deep("seed", to=4), "says seed 4"),
    "another edition": (deep("asked", "task", "sha256", to="0" * 64), "edition of task than"),
    "another plugin": (deep("plugins", "protocol/knn_probe", to="x 9"), "edition of plugins than"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_told_and_nothing_comes_in(given: Path, board: Path, fault: str) -> None:
    before = sorted(board.rglob("*"))
    change, said = FAULTS[fault]
    with pytest.raises(UserError, match=said):
        add(resealed(given, change), board)
    assert sorted(board.rglob("*")) == before


def test_the_words_are_distinct() -> None:
    """But where two faults are one: of a score and its interval."""
    said = [words for _, words in FAULTS.values()]
    assert len(set(said)) == len(said) - 1


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace(b'"key": "', b'"key": "0'), "key does not follow"),
        (lambda text: text.replace(b"theirs", b"others"), "not the digest of what it says"),
        (lambda text: text[:-30], "is not a result's JSON"),
        (lambda text: text.replace(b'"accuracy": 0.', b'"accuracy": NaN, "x": 0.'), "it holds NaN"),
        (lambda text: b"[]\n", "no result of schema 1"),
    ],
)
def test_an_edited_file_is_refused(given: Path, board: Path, edit: Any, said: str) -> None:
    given.write_bytes(edit(given.read_bytes()))
    with pytest.raises(UserError, match=said):
        add(given, board)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}", "0 stand beside it"),
        (b"[1, 2]", "malformed: TypeError"),
        (b'[["case000", 0, [NaN, 1.0]]]', "malformed: ValueError it holds NaN"),
        (b'[["case000", 0, [1%s, 1.0]]]' % (b"0" * 400), "malformed: OverflowError"),
        (b"[" * 100_000, "malformed: RecursionError"),
    ],
)
def test_cases_that_are_none_are_refused(
    given: Path, board: Path, content: bytes, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        add(recased(given, content), board)


def test_missing_cases_are_refused(given: Path, board: Path) -> None:
    Result.read(given).cases_file(given).unlink()
    with pytest.raises(UserError, match="is missing"):
        add(given, board)


def test_other_cases_than_the_boards_are_refused(given: Path, board: Path) -> None:
    content = Result.read(given).cases_file(given).read_bytes()
    with pytest.raises(UserError, match="there lack case059"):
        add(recased(given, content.replace(b"case059", b"case999")), board)


@pytest.mark.parametrize(
    "change",
    [
        deep("provenance", "at", to="2026-02-02T00:00:00+00:00"),
        deep("asked", "note", to=1),
    ],
)
def test_a_row_that_is_there_is_not_displaced(given: Path, board: Path, change: Change) -> None:
    add(given, board)
    with pytest.raises(UserError, match="tells of theirs, seed 0, as "):
        add(resealed(given, change), board)


def test_two_answers_in_one_folder_are_refused(given: Path, board: Path) -> None:
    other = given.with_name("again.json")
    other.write_bytes(given.read_bytes())
    cases = Result.read(given).cases_file(given)
    shutil.copy(cases, Result.read(other).cases_file(other))
    resealed(other, deep("provenance", "at", to="2026-02-02T00:00:00+00:00"))
    with pytest.raises(UserError, match="tells of theirs, seed 0, as "):
        add(given.parent, board)


ODD = {
    "a list for the run": deep("provenance", "weights", to=[1]),
    "labels beyond counting": deep("provenance", "labelled_cases", to=10**400),
    "a list for the commit": deep("provenance", "dirty", to=[[]]),
    "a list for the backbone": deep("provenance", "weights", to={"backbone": [1]}),
}


@pytest.mark.parametrize("what", ODD)
def test_what_no_board_can_be_drawn_with_is_refused(given: Path, board: Path, what: str) -> None:
    with pytest.raises(UserError, match="No board can be drawn"):
        add(resealed(given, ODD[what]), board)
    assert len(results_below(board)) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            both(deep("method", to="a | <b>"), deep("asked", "method", to="a | <b>")),
            "names a method",
        ),
        (both(deep("seed", to=-1), deep("asked", "seed", to=-1)), "names a method"),
        (deep("family", to="reference"), "a reference"),
        (
            both(deep("method", to="random_init!"), deep("asked", "method", to="random_init!")),
            "names a method",
        ),
        (
            both(deep("method", to="random_init_x"), deep("asked", "method", to="random_init_x")),
            "a reference",
        ),
        (deep("provenance", "at", to="9999-01-01T00:00:00+00:00"), "in the future"),
        (deep("protocol", to="knn_probe@/../../../escaped"), "is no name"),
        (deep("asked", "task", to="breastmnist"), "does not say which task"),
        (deep("budget", "name", to=["small"]), "is no name"),
    ],
)
def test_names_that_deceive_are_refused(
    given: Path, board: Path, change: Change, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        add(resealed(given, change), board)
    assert len(results_below(board)) == 2


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace(b'"embedding_std": 0.5', b'"embedding_std": 1e999'),
        lambda text: text.replace(b'"theirs"', b'"\\ud800"'),
        lambda text: b"[" * 100_000,
    ],
)
def test_json_that_is_none_is_one_sentence(given: Path, board: Path, edit: Any) -> None:
    given.write_bytes(edit(given.read_bytes()))
    with pytest.raises(UserError, match="is not a result's JSON"):
        add(given, board)


def test_other_truths_are_refused(given: Path, board: Path) -> None:
    cases = Result.read(given).read_cases(given)
    swapped = replace(cases, target=tuple(1 - int(t) for t in cases.target))
    with pytest.raises(UserError, match="says otherwise what is true"):
        add(rescored(given, swapped, ("auc", "accuracy")), board)


def test_of_several_none_comes_in_if_one_is_at_fault(
    given: Path, board: Path, tmp_path: Path
) -> None:
    other = tmp_path / "theirs/other.json"
    other.write_bytes(given.read_bytes().replace(b'"seed": 0', b'"seed": 1'))
    before = sorted(board.rglob("*"))
    with pytest.raises(UserError):
        add(given.parent, board)
    assert sorted(board.rglob("*")) == before
