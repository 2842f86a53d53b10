"""No budget, protocol or name of a task leads a result past the cases and facts of a board."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.result import Result, results_below
from pixvox_leaderboards.adding import add
from pixvox_registry import PROTOCOLS, UserError
from pixvox_registry.budgets import budget

from .stranger import HERE, OF_TASK, Change, both, deep, few, rescored, resealed, sent
from .stranger import told_and_asked as told

Publish = Callable[..., Path]
COPIES = {"train-test": {"exact": 1, "near": 39}}


def facts(**changes: Any) -> Change:
    return told("budget", {**budget("small", 2).facts(), **changes})


def by(protocol: str) -> Change:
    """The installed one."""
    version = PROTOCOLS.build(protocol).version
    return both(
        told("protocol", protocol, "protocol", "name"),
        told("protocol_version", version, "protocol", "version"),
    )


def seen(tested: int) -> dict[str, Any]:
    return {"state": "seen", "n_test": tested, "exact": 1, "near": 39, "ids": ["case001"]}


ELSEWHERE = {
    "another protocol": by("linear_probe"),
    "fewer labels": both(
        deep("protocol", to="knn_probe@50%"), deep("asked", "protocol", "label_fraction", to=0.5)
    ),
    "another budget": told("budget", budget("brief", 2).facts()),
}


@pytest.fixture
def board(publish: Publish, tmp_path: Path) -> Path:
    """Of one row of the task, measured by one protocol and budget."""
    publish("ours", **HERE, units="image", duplicates=COPIES)
    return tmp_path / "results"


@pytest.fixture
def empty(publish: Publish, tmp_path: Path) -> Path:
    """A board of another task."""
    publish("ours", task="toy")
    return tmp_path / "results"


@pytest.fixture
def given(publish: Publish, tmp_path: Path) -> Path:
    """A result as the task and its protocols give it."""
    file = publish("theirs", skill=2.0, **HERE, units="image", duplicates=COPIES)
    away = sent(file, tmp_path / "theirs")
    resealed(away, by("knn_probe"))
    return rescored(away, Result.read(away).read_cases(away), OF_TASK)


@pytest.mark.parametrize("where", ELSEWHERE)
def test_the_first_of_a_place_comes_in(
    given: Path, board: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add(resealed(given, ELSEWHERE[where]), board)
    assert len(results_below(board)) == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("where", ELSEWHERE)
def test_its_cases_are_those_of_the_task(given: Path, board: Path, where: str) -> None:
    cases = Result.read(given).read_cases(given)
    rescored(given, few(cases, 12), OF_TASK)
    with pytest.raises(UserError, match="scores 12 cases and the board 60; there lack case012"):
        add(resealed(given, ELSEWHERE[where]), board)


@pytest.mark.parametrize("where", ELSEWHERE)
def test_its_truths_are_those_of_the_task(given: Path, board: Path, where: str) -> None:
    cases = Result.read(given).read_cases(given)
    rescored(given, replace(cases, target=cases.target[::-1]), OF_TASK)
    with pytest.raises(UserError, match="says otherwise what is true"):
        add(resealed(given, ELSEWHERE[where]), board)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (facts(name="mine"), "No budget is called 'mine'"),
        (facts(name="<b>|`"), "No budget is called '<b>|`'"),
        (facts(name="brief"), "says batch 256, seen 72000 of the budget brief; .* batch 64, seen"),
        (
            both(by("linear_probe"), facts(width=1)),
            "says width 1 of the budget small; .* width 1.0",
        ),
        (
            both(facts(name="brief", dims=3), deep("dims", to=3)),
            "dims 3, seen 72000 of the budget brief",
        ),
        (
            both(by("linear_probe"), told("protocol_version", "9", "protocol", "version")),
            "says version '9' of linear_probe, and '[1-8]' is installed",
        ),
        (
            both(by("linear_probe"), deep("metrics", to=[*OF_TASK[1:], "auc"])),
            "has the metrics accuracy, .*, auc; by linear_probe",
        ),
        (
            both(by("linear_probe"), deep("asked", "task", "sha256", to="0" * 64)),
            "on other data than",
        ),
    ],
)
def test_what_it_brings_along_is_what_is_installed(
    given: Path, board: Path, change: Change, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        add(resealed(given, change), board)
    assert len(results_below(board)) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (deep("units", to="patient"), "says units 'patient', and .* 'image'"),
        (deep("units", to="<b>"), "says units '<b>'"),
        (deep("duplicates", to={}), "says duplicates {}, and "),
        (deep("duplicates", "train-test", "near", to=0), "says duplicates .*'near': 0"),
    ],
)
@pytest.mark.parametrize("where", ["another protocol", "another budget"])
def test_what_is_said_of_a_task_no_row_changes(
    given: Path, board: Path, change: Change, said: str, where: str
) -> None:
    with pytest.raises(UserError, match=said):
        add(resealed(given, both(ELSEWHERE[where], change)), board)


@pytest.mark.parametrize("where", ELSEWHERE)
def test_copies_are_counted_among_the_cases_of_the_task(
    publish: Publish, given: Path, board: Path, where: str
) -> None:
    publish("older", **HERE, units="image", duplicates=COPIES)
    publish("newer", **HERE, units="image", duplicates=COPIES, contamination=seen(60))
    with pytest.raises(UserError, match=r"says contamination.n_test 156, and .* 60\."):
        add(resealed(given, both(ELSEWHERE[where], deep("contamination", to=seen(156)))), board)
    add(resealed(given, deep("contamination", to=seen(60))), board)


@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.parametrize(
    "reference", [told("method", "random_init"), deep("family", to="reference")]
)
def test_nobody_sets_a_floor_from_elsewhere(
    given: Path, board: Path, where: str, reference: Change
) -> None:
    with pytest.raises(UserError, match="floors and aims of a board are measured by those"):
        add(resealed(given, both(ELSEWHERE[where], reference)), board)


@pytest.mark.parametrize("change", [deep("units", to="patient"), deep("duplicates", to={})])
def test_nor_does_one_beside_others(publish: Publish, board: Path, change: Change) -> None:
    file = publish("aaa", **HERE, units="image", duplicates=COPIES)
    away = resealed(sent(file, board.parent / "theirs"), change)
    with pytest.raises(UserError, match="which has one"):
        add(away, board)


def test_metrics_in_another_order_are_another_edition(publish: Publish, board: Path) -> None:
    file = publish("aaa", **HERE, units="image", duplicates=COPIES)
    away = resealed(sent(file, board.parent / "theirs"), deep("metrics", to=["accuracy", "auc"]))
    with pytest.raises(UserError, match="another edition of metrics than"):
        add(away, board)


def test_the_first_of_a_task_comes_in_and_it_is_said_that_its_cases_were_not_checked(
    given: Path, empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(given, empty)
    said = capsys.readouterr().err
    assert "first of breastmnist here: that its 60 cases are all of the test split" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (told("task_version", "9", "task", "version"), "task_version '9'; breastmnist has '1'"),
        (deep("units", to="patient"), "units 'patient'; breastmnist has 'image'"),
        (both(deep("dims", to=3), told("budget", budget("small", 3).facts())), "dims 3"),
    ],
)
def test_the_first_of_a_task_is_of_the_installed_one(
    given: Path, empty: Path, change: Change, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        add(resealed(given, change), empty)


@pytest.mark.parametrize(("side", "is_taken"), [(64, True), (28, False)])
def test_a_task_of_another_size_has_a_budget_of_that_size(
    given: Path, board: Path, side: int, is_taken: bool
) -> None:
    resealed(given, both(told("task", "breastmnist:64", "task", "name"), facts(image_size=side)))
    if is_taken:
        (new,) = add(given, board)
        assert new.parent == board / "breastmnist_64/knn_probe"
        return
    with pytest.raises(UserError, match=r"image_size 28 of .* on breastmnist:64 it has image_size"):
        add(given, board)
