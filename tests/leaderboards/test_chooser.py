"""The chooser: whom a line takes, what that costs and was shown, and when nobody is taken."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixvox_benchmarks.case_scores import CaseScores, sha256_of
from pixvox_benchmarks.result import Result, key_of
from pixvox_benchmarks.scoring import score
from pixvox_leaderboards import chooser, contest, families_page
from pixvox_leaderboards.board import build
from pixvox_leaderboards.chooser import Choice
from pixvox_leaderboards.effort import efforts
from pixvox_leaderboards.families import families
from pixvox_leaderboards.freezing import ALONG, FROZEN, TRAINED
from pixvox_leaderboards.reading import read_all
from pixvox_leaderboards.row import NOT_BETTER
from pixvox_registry import PROTOCOLS
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.budgets import budget

from .published_board import read

Publish = Callable[..., Path]
Outline = Callable[..., Result]
HOME = Path(__file__).parents[2] / "leaderboards"
VOLUMES = budget("small", 3).facts()


@pytest.fixture
def outline(publish: Publish, tmp_path: Path) -> Outline:
    """``outline(method, dice=0.8, labels=None, ...)``: a result of outlined volumes."""

    def write(
        method: str,
        *,
        dice: float = 0.8,
        luck: int = 3,
        labels: int | None = None,
        protocol: str = "segmentation_finetune",
        **changes: Any,
    ) -> Result:
        file = publish(method, protocol=protocol, task="organ", budget=VOLUMES, **changes)
        toy = Result.read(file)
        scores = np.clip(dice + np.random.default_rng(luck).normal(0, 0.05, 40), 0, 1)
        ids = [f"scan{number:02}" for number in range(40)]
        cases = CaseScores.rounded(ids, columns={"dice": [[each] for each in scores.tolist()]})
        found, intervals = score(cases, ("dice",))
        asked = {**toy.asked, "metrics": {"dice": "1"}}
        counted = {} if labels is None else {"labelled_cases": labels}
        result = replace(
            toy,
            dims=3,
            asked=asked,
            request=fingerprint(asked),
            key=key_of(fingerprint(asked), toy.weights_sha256),
            metrics=("dice",),
            metric_versions={"dice": "1"},
            higher_is_better={"dice": True},
            scores=found,
            intervals=intervals,
            n_scored=40,
            n_expected=40,
            cases_sha256=sha256_of(cases),
            provenance={**toy.provenance, **counted},
        )
        toy.cases_file(file).unlink()
        file.unlink()
        result.write(tmp_path / "results", cases)
        return result

    return write


def lines_of(folder: Path, title: str, **released: str) -> list[Choice]:
    board, readings = read(folder)
    spent = efforts(board.panels, readings)
    return [
        choice
        for choice in chooser.choices(families(board.panels), spent, released)
        if choice.family == title
    ]


def test_references_alone_leave_nothing_to_choose(outline: Outline, tmp_path: Path) -> None:
    outline("random_init", dice=0.8)
    board, _ = read(tmp_path)
    text = families_page.page(board, {}, {})
    found = r"Nothing to choose: only references were measured \(random_init 0\.\d{3} \[[^]]+\]\)\."
    assert re.search(found, text)


def test_the_chooser_takes_the_first_and_says_what_it_costs(
    outline: Outline, tmp_path: Path
) -> None:
    run = {"processor": "AMD EPYC", "threads": 1, "accelerator": "none", "wall_seconds": 90.4}
    spent = {"at": "2026-01-01", "commit": "0123456", "dirty": "", "weights": run}
    measured = outline("good", dice=0.8, provenance=spent)
    outline("poor", dice=0.5, provenance=spent)
    outline("random_init", dice=0.3)
    few, line = lines_of(tmp_path, "3D segmentation")
    assert re.fullmatch(r"\*\*good\*\* dice 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] \(\?\)", line.take)
    assert (line.others, line.labels) == ("all are told below", "all")
    assert line.effort == "90 s on AMD EPYC, 1 thread; 11.2 M parameters"
    assert line.command == (
        "`pixvox benchmark --methods good --tasks organ --protocols segmentation_finetune "
        "--budget small --seeds 1`"
    )
    assert (few.labels, few.take) == ("about 20", "*not measured*")
    _, line = lines_of(tmp_path, "3D segmentation", **{measured.weights_sha256: "good-organ"})
    assert line.command == '`pixvox_zoo.load("good-organ")`'


@pytest.mark.parametrize(("labels", "answered"), [(20, True), (10, True), (9, False), (41, False)])
def test_about_twenty_labels_is_answered_by_about_twenty(
    outline: Outline, tmp_path: Path, labels: int, answered: bool
) -> None:
    for method in ("a", "b"):
        outline(method, protocol="segmentation_finetune@10%", labels=labels)
        outline(method, labels=10 * labels)
    lines = lines_of(tmp_path, "3D segmentation")
    few = [f"about 20 (10 %, {labels} cases)"] if answered else ["about 20", f"10 % ({labels})"]
    assert [line.labels for line in lines] == [*few, f"all ({10 * labels})"], "it stands first"


def test_labels_that_some_result_does_not_count_answer_nothing(
    outline: Outline, tmp_path: Path
) -> None:
    outline("a", protocol="segmentation_finetune@10%", labels=20)
    outline("b", protocol="segmentation_finetune@10%")
    assert [line.labels for line in lines_of(tmp_path, "3D segmentation")] == ["about 20", "10 %"]


def test_what_has_learnt_nothing_is_not_taken(publish: Publish, tmp_path: Path) -> None:
    publish("a", skill=0.31, plugins={"backbone/same": "1", "protocol/knn_probe": "1"})
    publish("random_init", skill=0.3, plugins={"backbone/same": "1", "protocol/knn_probe": "1"})
    board, _ = read(tmp_path)
    assert board.panels[0].row("a").marks == (NOT_BETTER,)  # type: ignore[union-attr]
    (line,) = lines_of(tmp_path, "2D classification")
    said = r"\*\*No weights\*\*: random_init as it was drawn, AUC (0\.\d{3}) \[.*\]"
    found = re.fullmatch(said, line.take)
    assert found
    why = rf"a 0\.\d{{3}} \[.*\]: not told apart from random_init {found[1]}"
    assert re.fullmatch(why, line.others)
    assert line.command.startswith("`pixvox benchmark --methods random_init --tasks toy ")
    other = {"backbone/other": "1", "protocol/knn_probe": "1"}
    publish("random_init_worse", skill=0.05, plugins=other)
    (line,) = lines_of(tmp_path, "2D classification")
    assert re.fullmatch(said, line.take)
    publish("random_init_better", skill=0.6, plugins=other)
    (line,) = lines_of(tmp_path, "2D classification")
    assert "random_init_better as it was drawn" in line.take
    assert re.search(r"a 0.*: (below|not told apart from) random_init_better 0\.", line.others)
    third = {"backbone/third": "1", "protocol/knn_probe": "1"}
    publish("random_init_third", skill=0.01, plugins=third)
    publish("c", skill=0.58, plugins=third)
    assert not read(tmp_path)[0].panels[0].row("c").is_doubtful  # type: ignore[union-attr]
    (line,) = lines_of(tmp_path, "2D classification")
    assert "**c**" not in line.take, "better than its own random init, and below another's"
    publish("b", skill=2.0, plugins={"backbone/same": "1", "protocol/knn_probe": "1"})
    (line,) = lines_of(tmp_path, "2D classification")
    assert line.take.startswith("**b** AUC")


def test_each_of_the_best_few_hears_why_it_is_not_taken(outline: Outline, tmp_path: Path) -> None:
    """One has collapsed, one is told below, one is not told apart; and how to do without."""
    protocol = "segmentation_finetune@10%"
    for seed in (0, 1):
        outline("random_init_unet", dice=0.8, protocol=protocol, labels=13, seed=seed)
    outline("equal", dice=0.8, protocol=protocol, labels=13)
    outline("near", dice=0.79, luck=4, protocol=protocol, labels=13)
    outline("fallen", dice=0.81, protocol=protocol, labels=13, collapsed=True)
    outline("poor", dice=0.6, protocol=protocol, labels=13)
    (line,) = lines_of(tmp_path, "3D segmentation")
    assert line.labels == "about 20 (10 %, 13 cases)"
    take = r"\*\*No weights\*\*: train random_init_unet from scratch, dice (0\.\d{3}) \[[^]]+\]"
    found = re.fullmatch(take, line.take)
    assert found
    doubts = dict(one.split(": ") for one in line.others.split("<br>"))
    whys = {name.split()[0]: why for name, why in doubts.items()}
    floor = f"random_init_unet {found[1]}"
    assert whys["fallen"] == "has collapsed" and whys["poor"] == f"below {floor}"
    assert whys["equal"] == whys["near"] == f"not told apart from {floor}"
    assert all(re.search(r" 0\.\d{3} \[", name) for name in doubts)
    assert line.command == (
        "`pixvox benchmark --methods random_init_unet --tasks organ --protocols "
        f"{protocol} --budget small --seeds 2`"
    )
    assert line.measured == "organ (segmentation_finetune, `small`, 1 to 2 seeds)"


def test_a_frozen_encoder_is_held_against_a_trained_one(outline: Outline, tmp_path: Path) -> None:
    outline("good", dice=0.7, protocol="segmentation_frozen")
    outline("random_init", dice=0.5, protocol="segmentation_frozen")

    def frozen() -> Choice:
        (line,) = [each for each in lines_of(tmp_path, "3D segmentation") if each.is_frozen]
        assert line.cells()[0] == "3D segmentation, encoder frozen"
        return line

    outline("other", dice=0.9, protocol="segmentation_finetune@10%")
    outline("other", dice=0.6)
    assert "trained" not in frozen().take, "fewer labels, and a worse one"
    outline("random_init_unet", dice=0.9)
    assert re.search(r"<br>but trained along, random_init_unet has 0\.\d{3}$", frozen().take)


def test_over_several_tasks_each_says_why(publish: Publish, tmp_path: Path) -> None:
    plugins = {"backbone/same": "1", "protocol/knn_probe": "1"}
    for task in ("one", "two"):
        publish("a", skill=0.31, task=task, plugins=plugins)
        publish("random_init", skill=0.3, task=task, plugins=plugins)
    (line,) = lines_of(tmp_path, "2D classification")
    assert re.fullmatch(r"\*\*No weights.*: random_init as it was drawn, mean rank .*", line.take)
    why = r"0\.\d{3} \[.*\]: not told apart from random_init 0\.\d{3} on"
    assert re.fullmatch(rf"a {why} one; {why} two", line.others)
    assert "--tasks one,two " in line.command


def test_every_protocol_says_whether_it_trains_the_encoder() -> None:
    assert set(PROTOCOLS) == FROZEN | TRAINED and not FROZEN & TRAINED and ALONG < TRAINED


def test_the_chooser_says_what_weights_were_shown(publish: Publish, tmp_path: Path) -> None:
    seen = {"state": "seen", "exact": 3, "near": 0, "n_test": 60, "ids": []}
    for task in ("one", "two"):
        publish("a", skill=2.0, task=task, contamination=seen if task == "two" else {})
        publish("b", skill=0.2, task=task, contamination={**seen, "state": "unseen", "exact": 0})
    (line,) = lines_of(tmp_path, "2D classification")
    assert re.fullmatch(r"\*\*a\*\* mean rank 1\.00 \[.+\] \(s\)", line.take)


def test_committed_outlines_name_what_fresh_weights_score() -> None:
    """Whatever is measured next: a line either takes somebody or says how to do without."""
    readings = [r for r in read_all(HOME / "results") if r.result.task == "hippocampus"]
    board = build(readings)
    (family,) = [each for each in families(board.panels) if each.panels]
    lines = chooser.choices([family], efforts(board.panels, readings), {})
    assert lines[0].labels == "about 20 (10 %, 13 cases)", "what most ask for stands first"
    assert "all (128)" in {line.labels for line in lines}
    for line in lines:
        assert line.take.startswith("**") and line.command.startswith("`pixvox")
        assert line.take.startswith("**No weights**") == ("--methods random_init" in line.command)


def test_committed_results_are_chosen_from_rank_one() -> None:
    readings = read_all(HOME / "results")
    board = build([r for r in readings if r.result.task == "adrenalmnist3d"])
    (family,) = [each for each in families(board.panels) if each.title == "3D classification"]
    for each in contest.contests(family):
        (panel,) = each.panels
        first = each.verdict(family).first
        assert first and all(row.rank == 1 for row in each.rows(first))
        best = max(row.estimates["auc"].mean for row in panel.rows if row.rank == 1)
        leader = panel.row(first[0])
        assert leader is not None and leader.estimates["auc"].mean == best
