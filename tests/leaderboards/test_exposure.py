"""A board says of every cell whether its weights saw the test cases, and what has no number."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.gap import NO_DATA, NOT_APPLICABLE, Gap
from pixvox_leaderboards.board import Board, board_of
from pixvox_leaderboards.html import page
from pixvox_leaderboards.markdown import markdown, summary
from pixvox_leaderboards.outputs import texts
from pixvox_registry import COMMANDS

Publish = Callable[..., Path]
UNSEEN = {"state": "unseen", "n_test": 60, "exact": 0, "near": 0, "ids": []}
SEEN = {"state": "seen", "n_test": 60, "exact": 1, "near": 3, "ids": ["case001"]}
UNKNOWN = {"state": "unknown", "n_test": 60}


@pytest.fixture
def board(tmp_path: Path) -> Callable[[], Board]:
    return lambda: board_of(tmp_path / "results")


def lines_of(made: Board) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(texts(made)["board.csv"].decode())))


@pytest.mark.parametrize(
    ("seeds", "state"),
    [
        ([UNSEEN, UNSEEN], "unseen"),
        ([UNSEEN, SEEN], "seen"),
        ([UNKNOWN, SEEN], "seen"),
        ([UNSEEN, UNKNOWN], "unknown"),
        ([UNSEEN, {}], "unknown"),  # a result of old
    ],
)
def test_seeds_of_a_row_are_taken_at_their_worst(
    seeds: list[dict[str, Any]], state: str, publish: Publish, board: Callable[[], Board]
) -> None:
    for seed, told in enumerate(seeds):
        publish("simclr", seed=seed, contamination=told)
    ((row,),) = [panel.rows for panel in board().panels]
    assert row.exposure.state == state
    assert row.exposure.exact == {"seen": 1, "unseen": 0, "unknown": None}[state]
    assert {line["contamination"] for line in lines_of(board())} == {state}


def test_every_form_tells_the_three_states_apart(
    publish: Publish, board: Callable[[], Board]
) -> None:
    for task in ("play", "toy"):
        publish("one", skill=2.0, task=task, contamination=SEEN)
        publish("two", skill=1.5, task=task, contamination=UNSEEN)
        publish("three", task=task)
    made = board()
    text = markdown(made)
    overview, _, below = text.partition("###")
    cells = {line.split("|")[1].strip(): line for line in overview.splitlines() if "|" in line}
    assert cells["one"].count("(s)") == cells["three"].count("(?)") == 2
    assert "(s)" not in cells["two"] and "(?)" not in cells["two"]
    for told in ("| 1 + 3 of 60 ", "| unseen ", "| unknown "):
        assert below.count(told) == 2
    assert "(s) seen:" in text and "(?) unknown:" in text
    whole = page(made)
    assert whole.count("<td>1 + 3 of 60</td>") == whole.count("<td>unseen</td>") == 2
    assert whole.count("(?)</td>") == whole.count("(s)</td>") == 2
    records = json.loads(texts(made)["board.json"])["records"]
    told = {(r["method"], r["contamination"], r["seen_exact"], r["seen_near"]) for r in records}
    assert told == {
        ("one", "seen", 1, 3),
        ("two", "unseen", 0, 0),
        ("three", "unknown", None, None),
    }


def test_what_all_rows_have_in_common_stands_at_the_head(
    publish: Publish, board: Callable[[], Board]
) -> None:
    for task in ("play", "toy"):
        for method in ("one", "two"):
            publish(method, task=task)
    made = board()
    head, _, cells = summary(made, None).partition("|---")
    assert "play AUC (?)" in head and "toy AUC (?)" in head
    assert "(?)" not in cells.partition("Mean over seeds")[0]


def test_cases_that_splits_share_are_told_below(
    publish: Publish, board: Callable[[], Board]
) -> None:
    none = {"exact": 0, "near": 0}
    shared = {"train-test": {"exact": 1, "near": 12}, "train-val": none, "val-test": none}
    for method in ("one", "two"):
        publish(method, duplicates=shared)
    publish("one", task="many", duplicates={"train-val": {"exact": 8, "near": 1}})
    publish("one", task="clean", duplicates=dict.fromkeys(shared, none))
    publish("one", task="old")
    for text in (markdown(board()), summary(board(), None), page(board())):
        said = "toy: 1 test case is also a training case, 12 test cases are each nearly"
        assert text.count(f"{said} a training case.") == 1
        assert text.count("many: 8 validation cases are each also a training case, 1") == 1
        assert "clean:" not in text and "old:" not in text
    found = {line["task"]: line["duplicates"] for line in lines_of(board())}
    assert found["toy"] == "train-test:1+12 train-val:0+0 val-test:0+0" and found["old"] == ""


def test_gaps_stand_below_the_tables_until_results_fill_them(
    publish: Publish, board: Callable[[], Board], tmp_path: Path
) -> None:
    publish("one")
    results = tmp_path / "results"
    gaps = [
        Gap(task="brats", protocol=None, state=NO_DATA, why="It is not public."),
        Gap(task="toy", protocol="knn_probe@1%", state=NOT_APPLICABLE, why="One case a class."),
        Gap(task="toy", protocol="knn_probe", state=NOT_APPLICABLE, why="It is filled."),
        Gap(task="toy", protocol=None, state=NO_DATA, why="It is filled too."),
    ]
    for gap in gaps:
        gap.write(results)
    made = board()
    for text in (markdown(made), summary(made, None), page(made)):
        assert "no data: brats (It is not public)." in text
        assert "not applicable: toy · knn_probe@1% (One case a class)." in text
        assert "filled" not in text
    told = json.loads(texts(made)["board.json"])["gaps"]
    assert [gap["task"] for gap in told] == ["brats", "toy"]
    empty = [line for line in lines_of(made) if line["gap"]]
    assert [(line["task"], line["gap"], line["mean"], line["why"]) for line in empty] == [
        ("brats", "no data", "", "It is not public."),
        ("toy", "not applicable", "", "One case a class."),
    ]
    publish("one", task="brats", protocol="linear_probe")
    assert [gap.task for gap in board().gaps] == ["toy"]


def test_an_edited_gap_is_named(publish: Publish, tmp_path: Path) -> None:
    publish("one")
    results = tmp_path / "results"
    gap = Gap(task="brats", protocol=None, state=NO_DATA, why="It is not public.")
    gap.write(results)
    COMMANDS.get("board")(results, verify=True)
    file = results / gap.path
    file.write_bytes(file.read_bytes().replace(b"not public", b"too large"))
    with pytest.raises(SystemExit):
        COMMANDS.get("board")(results, verify=True)
