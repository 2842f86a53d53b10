"""Comparisons as a board tells them: against random init, in every form, and of two by command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pixvox_leaderboards.board import Board, build
from pixvox_leaderboards.estimate import estimate
from pixvox_leaderboards.holm import holm
from pixvox_leaderboards.html import page
from pixvox_leaderboards.markdown import markdown
from pixvox_leaderboards.pairwise import pairwise
from pixvox_leaderboards.reading import read_all
from pixvox_leaderboards.records import records
from pixvox_leaderboards.wording import gain_text
from pixvox_registry import COMMANDS, UserError

Publish = Callable[..., Path]
Make = Callable[[], Board]


@pytest.fixture
def board(tmp_path: Path) -> Make:
    return lambda: build(read_all(tmp_path / "results"))


def test_rows_are_held_against_random_init_after_holm(publish: Publish, board: Make) -> None:
    for task in ("toy", "play"):
        for method, skill in (("random_init", 0.6), ("simclr", 3.0), ("byol", 0.7), ("bad", 0.0)):
            publish(method, skill=skill, task=task)
    panels = board().panels
    rows = {(panel.task, row.method): row for panel in panels for row in panel.rows}
    assert rows["toy", "random_init"].over_floor is None
    tested = [row.over_floor for row in rows.values() if row.over_floor]
    adjusted = holm([one.p for one in tested])
    assert [one.holm for one in tested] == [round(p, 5) for p in adjusted], "one family of six"
    assert rows["toy", "simclr"].marks == ()
    assert rows["toy", "byol"].marks == ("not better than random init",)
    assert rows["toy", "bad"].marks == ("worse than random init",)
    for panel in panels:
        for row in panel.rows:
            if row.over_floor:
                floor = panel.row("random_init")
                assert floor is not None
                gain = row.estimates["auc"].mean - floor.estimates["auc"].mean
                assert row.over_floor.difference == pytest.approx(gain, abs=1.1e-3)


def test_every_form_shows_the_test(publish: Publish, board: Make) -> None:
    publish("random_init", skill=0.2)
    publish("simclr", skill=3.0)
    made = board()
    (over,) = (row.over_floor for row in made.panels[0].rows if row.over_floor)
    assert gain_text(over) in markdown(made) and gain_text(over) in page(made)
    assert "| <0.001 " in markdown(made) and "<td>&lt;0.001</td>" in page(made)
    stated = {(r["method"], r["metric"]): r for r in records(made)}
    assert stated["simclr", "auc"]["p_holm"] == over.holm
    assert stated["simclr", "auc"]["over_random_init"] == over.difference
    assert stated["simclr", "accuracy"]["p_holm"] is None, "only what ranks is tested"
    assert stated["random_init", "auc"]["p_holm"] is None


def test_stale_rows_take_no_part(publish: Publish, board: Make) -> None:
    publish("random_init", skill=0.2)
    publish("simclr", skill=2.0)
    publish("older", skill=2.0, task_version="0")
    publish("simclr", skill=1.9, task_version="0")
    (panel,) = board().panels
    assert [row.over_floor for row in panel.rows if row.is_stale] == [None, None]
    tested = {row.method: row.over_floor for row in panel.rows if not row.is_stale}
    assert tested["simclr"] is not None
    assert tested["simclr"].holm == tested["simclr"].p, "a family of one"


def test_compare_prints_every_shared_task(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = "weights:runs/one-s{seed}/weights"
    for task in ("toy", "play", "alone"):
        for seed in (0, 1):
            publish(ours, skill=2.0, seed=seed, task=task)
            if task != "alone":
                publish("byol", skill=0.3, seed=seed, task=task)
    results = tmp_path / "results"
    COMMANDS.get("board")(results, compare=("one", "byol"), json=True)
    lines = json.loads(capsys.readouterr().out)
    assert [line["task"] for line in lines] == ["play", "toy"]
    for line in lines:
        assert line["low"] < line["difference"] < line["high"]
        assert (line["metric"], line["n"], line["p_holm"]) == ("auc", 60, 2 * line["p"])
    COMMANDS.get("board")(results, compare=("byol", ours))
    table = capsys.readouterr().out
    assert table.startswith("budget") and f"{-lines[0]['difference']:.4g}" in table


def test_compare_says_what_it_wants(publish: Publish, board: Make) -> None:
    for method in ("simclr", "weights:a/x-s{seed}/weights", "weights:b/x-s{seed}/weights"):
        publish(method)
    publish("byol", task="play")
    with pytest.raises(UserError, match="Did you mean 'simclr'"):
        pairwise(board(), "simcl", "byol")
    with pytest.raises(UserError, match="short name of weights:a"):
        pairwise(board(), "simclr", "x")
    with pytest.raises(UserError, match="none in common"):
        pairwise(board(), "simclr", "byol")
    with pytest.raises(UserError, match="simclr came twice"):
        pairwise(board(), "simclr", "simclr")
    assert len(pairwise(board(), "simclr", "weights:b/x-s{seed}/weights")) == 1


def test_an_estimate_is_that_of_its_row(publish: Publish, tmp_path: Path) -> None:
    """What ranks over tasks and tests use is the score that the board shows."""
    for seed in (0, 1, 2):
        publish("simclr", seed=seed)
    readings = read_all(tmp_path / "results")
    (panel,) = build(readings).panels
    score = panel.scores["simclr"]
    shown = estimate("auc", readings).mean
    assert round(float(score(np.ones((1, score.cases)))[0]), 3) == shown
