"""``pixvox score`` on probabilities: as the cell that told them, and every fault refused."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pixvox_benchmarks.commands.score import score as command
from pixvox_benchmarks.grid import Grid
from pixvox_benchmarks.missed import missed_probabilities
from pixvox_benchmarks.outside import score_outside
from pixvox_benchmarks.plan import plan
from pixvox_benchmarks.result import Result, results_below
from pixvox_benchmarks.runner import run
from pixvox_benchmarks.task_line import task_of
from pixvox_registry import COMMANDS, METRICS, TASKS
from pixvox_registry.__main__ import main

NAMES = {"squares": ("dark", "bright"), "marks": ("above", "below")}
Row = dict[str, Any]
pytestmark = pytest.mark.usefixtures("house")


def pixvox(*words: object) -> int:
    with COMMANDS.lend("score", command):
        try:
            main(["score", *map(str, words)])
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def written(file: Path, rows: list[Row]) -> Path:
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def perfect(task: str) -> list[Row]:
    """The truth as certainties."""
    about = TASKS.build(task)
    cases = about.cases("test")
    target = about.target(cases)
    sure = target if target.ndim == 2 else torch.eye(2, dtype=torch.int64)[target]
    return [
        {"id": case, **dict(zip(NAMES[task], row, strict=True))}
        for case, row in zip(cases.ids, sure.tolist(), strict=True)
    ]


@pytest.mark.parametrize(("task", "protocol"), [("squares", "nearest"), ("marks", "linear_probe")])
def test_published_probabilities_score_exactly_as_their_cell(
    task: str, protocol: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def in_turn(jobs: Any, report: Any) -> None:
        for job in jobs:
            job()
            report(job, None)

    grid = Grid(
        methods=("guest:plain",), tasks=(task,), protocols=(protocol,), seeds=1, budget="tiny"
    )
    planned = plan(grid, tmp_path / "grid")
    assert run(planned, in_turn, threads=1, quiet=True) == {}
    (file,) = results_below(planned.results)
    result = Result.read(file)
    cases, names = result.read_cases(file), NAMES[task]
    rows = [
        {names[1]: told[1], "id": case, names[0]: told[0]}
        for case, told in zip(cases.ids, cases.probability, strict=True)
    ]
    random.Random(0).shuffle(rows)
    capsys.readouterr()
    out = tmp_path / "cases.csv"
    table = written(tmp_path / "p.csv", rows)
    assert pixvox(table, "--task", task, "--out", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["metric"] for row in told["scores"]] == list(result.metrics)
    for row in told["scores"]:
        assert row["score"] == result.scores[row["metric"]]
        assert row["interval"] == result.intervals[row["metric"]]
        assert (row["n_scored"], row["n_expected"]) == (result.n_scored, result.n_expected)
        assert row["higher_is_better"] == result.higher_is_better[row["metric"]]
    with out.open(newline="") as stream:
        kept = list(csv.DictReader(stream))
    assert [row["id"] for row in kept] == list(cases.ids)
    for row, probability, target in zip(kept, cases.probability, cases.target, strict=True):
        assert tuple(float(row[f"p {name}"]) for name in names) == probability
        if isinstance(target, tuple):
            assert tuple(int(row[f"true {name}"]) for name in names) == target
        else:
            assert row["true class"] == names[target]


@pytest.mark.parametrize(
    ("task", "lost", "wanted"),
    [
        # of 12 dark and 12 bright one dark case is called bright: 12 of 144 pairs are ties
        (
            "squares",
            "test/4",
            {
                "auc": 1 - 6 / 144,
                "accuracy": 23 / 24,
                "balanced_accuracy": (11 / 12 + 1) / 2,
                "expected_calibration_error": 1 / 24,
            },
        ),
        # mark a, 20 of 40, is called absent; mark b, 8 of 40, is called there
        (
            "marks",
            "test/3",
            {
                "auc": ((1 - 10 / 400) + (1 - 4 / 256)) / 2,
                "accuracy": 39 / 40,
                "balanced_accuracy": ((19 / 20 + 1) / 2 + (31 / 32 + 1) / 2) / 2,
                "expected_calibration_error": 1 / 40,
            },
        ),
    ],
)
def test_one_of_n_missing_is_refused_or_scores_worst(
    task: str,
    lost: str,
    wanted: dict[str, float],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = perfect(task)
    whole = len(rows)
    assert pixvox(written(tmp_path / "p.csv", rows), "--task", task, "--json") == 0
    best = {row["metric"]: row["score"] for row in json.loads(capsys.readouterr().out)["scores"]}
    assert best == {name: float(name != "expected_calibration_error") for name in wanted}
    short = written(tmp_path / "q.csv", [row for row in rows if row["id"] != lost])
    assert pixvox(short, "--task", task) == 1
    told = capsys.readouterr()
    assert f"answers {whole - 1} of {whole} cases; missing are {lost}. " in told.err
    assert told.out == ""
    out = tmp_path / "cases.csv"
    assert pixvox(short, "--task", task, "--allow-missing", "--out", out, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["missing"] == [lost] and document["n_scored"] == whole - 1
    for row in document["scores"]:
        assert row["score"] == pytest.approx(wanted[row["metric"]], abs=1e-12)
        assert (row["n_scored"], row["n_expected"]) == (whole - 1, whole)
    with out.open(newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream) if row["missing"] == "1"] == [lost]
    assert pixvox(short, "--task", task, "--allow-missing") == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()[2:]
    assert len(lines) == 4 and all(line.endswith(f" {whole - 1}/{whole}") for line in lines)
    assert "a case is one image; nothing may be chosen by these scores" in told.err


def test_a_missing_case_is_certain_of_what_is_wrong() -> None:
    target = torch.tensor([0, 1, 2])
    worst = missed_probabilities(target, 3)
    assert worst.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    every = np.ones((1, 3))
    assert METRICS.build("brier")(worst.numpy(), target.numpy(), every)[0] == 2
    assert METRICS.build("accuracy")(worst.numpy(), target.numpy(), every)[0] == 0
    labels = torch.tensor([[0, 1, 1], [1, 0, 0]])
    assert missed_probabilities(labels, 3).tolist() == [[1, 0, 0], [0, 1, 1]]


@pytest.mark.parametrize("row", [0, 1, 2, 3])
def test_no_wrong_answer_scores_below_a_missing_one(row: int, tmp_path: Path) -> None:
    metrics = ("auc", "average_precision", "f1", "cohen_kappa", "brier", "accuracy")
    task = replace(task_of("phantom_shapes_2d"), metrics=metrics)
    cases = task.cases("test")
    target, names = task.target(cases), task.classes
    draw = np.random.default_rng(0).dirichlet(np.ones(len(names)), len(cases))
    told = [
        {"id": case, **dict(zip(names, said, strict=True))}
        for case, said in zip(cases.ids, draw.tolist(), strict=True)
    ]
    true = int(target[row])

    def scores_with(answer: list[Row]) -> dict[str, float]:
        table = written(tmp_path / "p.csv", [*told[:row], *answer, *told[row + 1 :]])
        return {f.metric: f.score for f in score_outside(table, task, allow_missing=True).figures}  # type: ignore[misc]

    missing = scores_with([])
    wrong = [
        scores_with([{"id": cases.ids[row], **{n: float(n == sure) for n in names}}])
        for sure in names
        if sure != names[true]
    ]
    assert len(wrong) >= 2
    for name in metrics:
        worst = min if METRICS.build(name).higher_is_better else max
        assert missing[name] == worst(found[name] for found in wrong)


def changed(place: int, **said: Any) -> Callable[[list[Row]], list[Row]]:
    def change(rows: list[Row]) -> list[Row]:
        return [row | said if at == place else row for at, row in enumerate(rows)]

    return change


def renamed(old: str, new: str) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [{(new if k == old else k): v for k, v in row.items()} for row in rows]


FAULTS: dict[str, tuple[str, Callable[[list[Row]], list[Row]], str]] = {
    "doubled": ("squares", lambda rows: [*rows, rows[3]], "answers test/3 more than once"),
    "unknown": (
        "squares",
        changed(2, id="val/2"),
        "answers 1 that are no cases of this split: val/2.",
    ),
    "strange column": (
        "squares",
        lambda rows: [{**row, "brightt": 0} for row in rows],
        "a column 'brightt', which is no class of the task. Did you mean 'bright'?",
    ),
    "lost column": (
        "squares",
        lambda rows: [{k: v for k, v in row.items() if k != "dark"} for row in rows],
        "has no column 'dark'. Its columns must be: 'id', 'dark', 'bright'",
    ),
    "no ids": ("squares", renamed("id", "case"), "a column 'case', which is no class"),
    "sum": ("squares", changed(4, dark=0.5, bright=0.49), "Line 6 of"),
    "sum told": (
        "squares",
        changed(4, dark=0.5, bright=0.49),
        "their sum is 0.99, which must be 1",
    ),
    "barely off": ("squares", changed(0, dark=0.5, bright=0.500002), "must be 1 within 1e-06"),
    "negative": ("squares", changed(1, dark=-0.5, bright=1.5), "Line 3 of"),
    "nan": ("squares", changed(1, dark="nan"), "are no probabilities: each must be finite"),
    "infinite": ("squares", changed(1, dark="inf"), "are no probabilities: each must be finite"),
    "word": ("squares", changed(1, dark="high"), "holds high, 1; a number for each class is due"),
    "empty": ("squares", changed(1, dark=""), "leaves 'dark' empty"),
    "above one": ("marks", changed(1, above=1.2), "must be finite and from 0 to 1"),
    "below zero": ("marks", changed(1, below=-0.1), "must be finite and from 0 to 1"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_table_that_holds_no_probabilities_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task, fault, said = FAULTS[name]
    file = written(tmp_path / "p.csv", fault(perfect(task)))
    out = tmp_path / "cases.csv"
    assert pixvox(file, "--task", task, "--allow-missing", "--out", out) == 1
    told = capsys.readouterr()
    assert told.out == "" and not out.exists()
    assert said in told.err and str(file) in told.err


def test_rounding_and_labels_that_hold_together_are_no_fault(tmp_path: Path) -> None:
    near = changed(4, dark=0.3, bright=0.7000009)(perfect("squares"))
    assert pixvox(written(tmp_path / "p.csv", near), "--task", "squares") == 0
    both = [row | {"above": 0.9, "below": 0.8} for row in perfect("marks")]
    assert pixvox(written(tmp_path / "q.csv", both), "--task", "marks") == 0


def test_what_is_scored_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "p.csv", perfect("squares"))
    before = file.read_bytes()
    assert pixvox(file, "--task", "squares", "--out", tmp_path / "x" / ".." / "p.csv") == 2
    assert "--out wants a file of its own" in capsys.readouterr().err
    assert file.read_bytes() == before
    assert pixvox(tmp_path / "lost.csv", "--task", "squares") == 2
    assert pixvox(tmp_path, "--task", "squares") == 1
    assert "is a folder; probabilities" in capsys.readouterr().err
