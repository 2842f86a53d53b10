"""Boards by family: what belongs where, who is told from whom, and the words for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixvox_benchmarks.case_scores import CaseScores, sha256_of
from pixvox_benchmarks.result import Result, key_of
from pixvox_benchmarks.scoring import score
from pixvox_leaderboards import chooser, families_page, outputs, verdict
from pixvox_leaderboards.apart import Told, told_apart
from pixvox_leaderboards.board import Board, build
from pixvox_leaderboards.chooser import Choice
from pixvox_leaderboards.comparison import compared, corrected
from pixvox_leaderboards.effort import efforts
from pixvox_leaderboards.families import Family, families, kind_of
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.reading import Reading, read_all
from pixvox_leaderboards.row import NOT_BETTER
from pixvox_leaderboards.verdict import Verdict
from pixvox_registry import UserError
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.budgets import budget

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
        labels: int | None = None,
        protocol: str = "segmentation_finetune",
        **changes: Any,
    ) -> Result:
        file = publish(method, protocol=protocol, task="organ", budget=VOLUMES, **changes)
        toy = Result.read(file)
        scores = np.clip(dice + np.random.default_rng(3).normal(0, 0.05, 40), 0, 1)
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


def read(folder: Path) -> tuple[Board, list[Reading]]:
    readings = read_all(folder / "results")
    return build(readings), readings


def family_of(board: Board, title: str) -> Family:
    (family,) = [each for each in families(board.panels) if each.title == title]
    return family


def lines_of(folder: Path, title: str, **released: str) -> list[Choice]:
    board, readings = read(folder)
    spent = efforts(board.panels, readings)
    return [
        choice
        for choice in chooser.choices(families(board.panels), spent, released)
        if choice.family == title
    ]


class Overlap:
    """A metric of outlines that no one here knows."""

    def of_case(self) -> float:
        return 0.0

    def __call__(self, *, overlap: Any, weight: Any) -> Any: ...


class Nearness:
    """A metric of something else."""

    def __call__(self, *, nearness: Any, weight: Any) -> Any: ...


@pytest.mark.parametrize(
    ("metrics", "kind"),
    [
        (("auc", "accuracy"), "classification"),
        (("dice", "hd95_mm"), "segmentation"),
        (("accuracy", "hungarian_accuracy", "nmi"), "clustering"),
        (("of_a_guest",), "segmentation"),
        (("not_installed", "brier"), "classification"),
        (("nearness",), "other"),
        (("not_installed",), "other"),
    ],
)
def test_metrics_tell_the_family(
    metrics: Sequence[str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pixvox_leaderboards import families as module

    known = module.METRICS
    guests = {"of_a_guest": Overlap, "nearness": Nearness}

    class WithGuests:
        def __contains__(self, name: str) -> bool:
            return name in guests or name in known

        def build(self, name: str) -> Any:
            return guests[name]() if name in guests else known.build(name)

    monkeypatch.setattr(module, "METRICS", WithGuests())
    assert kind_of(metrics) == kind


def test_every_panel_is_in_one_family_and_ranks_stay_within(
    publish: Publish, tmp_path: Path
) -> None:
    for task in ("one", "two"):
        for method, skill in (("a", 2.0), ("b", 0.5)):
            publish(method, skill=skill, task=task)
            publish(method, skill=skill, task=f"{task}_3d", budget=VOLUMES, dims=3)
    board, _ = read(tmp_path)
    found = families(board.panels)
    assert [family.title for family in found] == [
        "2D classification",
        "3D classification",
        "2D segmentation",
        "3D segmentation",
        "Clustering",
    ]
    assert sorted(p.task for family in found for p in family.panels) == sorted(
        panel.task for panel in board.panels
    )
    flat, deep = found[:2]
    assert [league.tasks for league in flat.leagues] == [("one", "two")]
    assert [league.tasks for league in deep.leagues] == [("one_3d", "two_3d")]
    assert board.leagues[0].tasks == ("one", "one_3d", "two", "two_3d"), "the board ranks over all"
    text = families_page.page(board, {}, {})
    assert text.count("Nothing was measured here.") == 3


def test_told_apart_is_what_pairwise_tests_tell_after_holm(
    publish: Publish, tmp_path: Path
) -> None:
    skills = {"a": 1.6, "b": 1.3, "c": 1.1, "random_init": 0.9}
    for task in ("one", "two"):
        for method, skill in skills.items():
            publish(method, skill=skill + 0.2 * (task == "two"), task=task)
    board, _ = read(tmp_path)
    pairs = [(p, a, b) for p in board.panels for a, b in combinations(sorted(skills), 2)]
    one_by_one = corrected([compared([(p.scores[a], p.scores[b])])[0] for p, a, b in pairs])
    wanted = {
        Told("small", p.task, p.protocol, *((a, b) if found.is_better else (b, a)))
        for (p, a, b), found in zip(pairs, one_by_one, strict=True)
        if found.is_told
    }
    assert told_apart(board.panels) == wanted
    by_chance = [found.p for found in one_by_one if found.p is not None and not found.is_told]
    assert wanted and min(by_chance) <= 0.05, "Holm makes a difference"


def test_less_is_better_turns_who_is_told_better(publish: Publish, tmp_path: Path) -> None:
    publish("good", skill=2.5)
    publish("poor", skill=0.1)
    board, _ = read(tmp_path)
    (panel,) = board.panels
    turned = replace(panel, higher_is_better={"auc": False, "accuracy": True})
    (told,), (other_way,) = told_apart([panel]), told_apart([turned])
    assert (told.better, told.worse) == ("good", "poor")
    assert (other_way.better, other_way.worse) == ("poor", "good")


@pytest.fixture
def panel(publish: Publish, tmp_path: Path) -> Panel:
    """Two that share the first place, one behind, and the references."""
    skills = {"a": 1.6, "b": 1.5, "c": 0.2, "random_init": 0.15, "supervised": 1.7}
    for method, skill in skills.items():
        publish(method, skill=skill)
    board, _ = read(tmp_path)
    return board.panels[0]


def told(better: str, worse: str) -> Told:
    return Told("small", "toy", "knn_probe", better, worse)


def test_words_follow_the_tests(panel: Panel) -> None:
    first, second = [row.method for row in panel.rows if row.rank == 1]
    nobody = verdict.of_panel(panel, frozenset())
    assert nobody == Verdict(
        first=(first, second), above=(), near=("c", "supervised", "random_init"), behind=()
    )
    text = verdict.of_panel_text(panel, nobody)
    assert text.startswith(f"{first} and {second} share the first place; not every one is told")
    behind = frozenset({told(first, "c"), told(second, "c"), told(first, "random_init")})
    found = verdict.of_panel(panel, behind)
    assert (found.behind, found.near) == (("c",), ("supervised", "random_init"))
    assert "each is told from c; not every one is told from supervised and random_init." in (
        verdict.of_panel_text(panel, found)
    )


def test_where_interval_and_test_disagree_the_test_decides(panel: Panel) -> None:
    first, second = [row.method for row in panel.rows if row.rank == 1]
    found = verdict.of_panel(panel, frozenset({told(first, second)}))
    assert found.first == (first,) and second in found.behind
    assert verdict.of_panel_text(panel, found).startswith(f"{first} leads; it is told from ")


def test_a_circle_of_three_leaves_them_all_first(panel: Panel) -> None:
    rows = tuple(replace(r, rank=1) if r.method in "abc" else r for r in panel.rows)
    circle = frozenset({told("a", "b"), told("b", "c"), told("c", "a")})
    assert set(verdict.of_panel(replace(panel, rows=rows), circle).first) == {"a", "b", "c"}


def test_a_reference_above_is_said_to_be_above(panel: Panel) -> None:
    first, _ = [row.method for row in panel.rows if row.rank == 1]
    found = verdict.of_panel(panel, frozenset({told("supervised", first)}))
    assert found.above == ("supervised",) and "supervised" not in found.near
    assert "some are below supervised" in verdict.of_panel_text(panel, found)


def test_a_league_is_told_by_one_task_and_contradicted_by_another(
    publish: Publish, tmp_path: Path
) -> None:
    for task in ("one", "two"):
        for method, skill in (("a", 1.5), ("b", 1.4), ("c", 0.4)):
            publish(method, skill=skill, task=task)
    board, _ = read(tmp_path)
    (league,) = board.leagues
    leaders = [s.method for s in league.standings if s.place == 1]

    def behind(*lines: tuple[str, str, str]) -> tuple[str, ...]:
        apart = frozenset(Told("small", task, "knn_probe", *pair) for task, *pair in lines)
        return verdict.of_league(league, board.panels, apart).behind

    assert "c" not in leaders
    once = [("one", leader, "c") for leader in leaders]
    assert behind(*once) == ("c",)
    assert behind(*once, ("two", "c", leaders[0])) == ()
    assert behind(*[("elsewhere", leader, "c") for leader in leaders]) == ()


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
    line, few = lines_of(tmp_path, "3D segmentation")
    assert re.fullmatch(r"\*\*good\*\* dice 0\.\d{3} \[0\.\d{3}, 0\.\d{3}\] \(\?\)", line.take)
    assert (line.near, line.labels) == ("nobody", "all")
    assert line.effort == "90 s on AMD EPYC, 1 thread; 11.2 M parameters"
    assert line.command == (
        "`pixvox benchmark --methods good --tasks organ --protocols segmentation_finetune "
        "--budget small --seeds 1`"
    )
    assert (few.labels, few.take) == ("about 20", "*not measured*")
    line, _ = lines_of(tmp_path, "3D segmentation", **{measured.weights_sha256: "good-organ"})
    assert line.command == '`pixvox_zoo.load("good-organ")`'


@pytest.mark.parametrize(("labels", "answered"), [(20, True), (10, True), (9, False), (41, False)])
def test_about_twenty_labels_is_answered_by_about_twenty(
    outline: Outline, tmp_path: Path, labels: int, answered: bool
) -> None:
    for method in ("a", "b"):
        outline(method, protocol="segmentation_finetune@10%", labels=labels)
        outline(method, labels=10 * labels)
    lines = lines_of(tmp_path, "3D segmentation")
    wanted = [f"10 % ({labels})", f"all ({10 * labels})", *["about 20"] * (not answered)]
    assert [line.labels for line in lines] == wanted


def test_labels_that_some_result_does_not_count_answer_nothing(
    outline: Outline, tmp_path: Path
) -> None:
    outline("a", protocol="segmentation_finetune@10%", labels=20)
    outline("b", protocol="segmentation_finetune@10%")
    assert [line.labels for line in lines_of(tmp_path, "3D segmentation")] == ["10 %", "about 20"]


def test_what_has_learnt_nothing_is_not_taken(publish: Publish, tmp_path: Path) -> None:
    publish("a", skill=0.31, plugins={"backbone/same": "1", "protocol/knn_probe": "1"})
    publish("random_init", skill=0.3, plugins={"backbone/same": "1", "protocol/knn_probe": "1"})
    board, _ = read(tmp_path)
    assert board.panels[0].row("a").marks == (NOT_BETTER,)  # type: ignore[union-attr]
    (line,) = lines_of(tmp_path, "2D classification")
    said = "nothing: a has collapsed or is not better than random init; drawn fresh, random_init 0."
    assert line.take.startswith(said)
    other = {"backbone/other": "1", "protocol/knn_probe": "1"}
    publish("random_init_worse", skill=0.05, plugins=other)
    (line,) = lines_of(tmp_path, "2D classification")
    assert line.take.startswith(said)
    publish("random_init_better", skill=0.6, plugins=other)
    (line,) = lines_of(tmp_path, "2D classification")
    assert "drawn fresh, random_init_better" in line.take
    third = {"backbone/third": "1", "protocol/knn_probe": "1"}
    publish("random_init_third", skill=0.01, plugins=third)
    publish("c", skill=0.58, plugins=third)
    assert not read(tmp_path)[0].panels[0].row("c").is_doubtful  # type: ignore[union-attr]
    (line,) = lines_of(tmp_path, "2D classification")
    assert "**c**" not in line.take, "better than its own random init, and below another's"
    publish("b", skill=2.0, plugins={"backbone/same": "1", "protocol/knn_probe": "1"})
    (line,) = lines_of(tmp_path, "2D classification")
    assert line.take.startswith("**b** AUC")


def test_the_chooser_says_what_weights_were_shown(publish: Publish, tmp_path: Path) -> None:
    seen = {"state": "seen", "exact": 3, "near": 0, "n_test": 60, "ids": []}
    for task in ("one", "two"):
        publish("a", skill=2.0, task=task, contamination=seen if task == "two" else {})
        publish("b", skill=0.2, task=task, contamination={**seen, "state": "unseen", "exact": 0})
    (line,) = lines_of(tmp_path, "2D classification")
    assert re.fullmatch(r"\*\*a\*\* mean rank 1\.00 \[.+\] \(s\)", line.take)


def test_the_same_files_in_any_order_give_the_same_bytes(publish: Publish, tmp_path: Path) -> None:
    for method, skill in (("a", 1.5), ("b", 1.5), ("random_init", 0.4)):
        for seed in (0, 1):
            publish(method, skill=skill, seed=seed)
            publish(method, skill=skill, seed=seed, task="other")
        publish(method, skill=skill, protocol="knn_probe@10%")

    def text(readings: Sequence[Reading]) -> str:
        board = build(readings)
        return families_page.page(board, efforts(board.panels, readings), {})

    _, readings = read(tmp_path)
    assert text(readings) == text(readings[::-1]) == text(sorted(readings, key=lambda r: r.file))


def test_readme_keeps_all_but_the_families(publish: Publish, tmp_path: Path) -> None:
    for task in ("one", "two"):
        publish("a", skill=2.0, task=task)
        publish("b", skill=1.0, task=task)
    board, _ = read(tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text("above\n<!-- families:begin -->\nyesterday\n<!-- families:end -->\nbelow\n")
    outputs.renew_families(readme, board, tmp_path / "boards")
    once = readme.read_text()
    assert once.startswith("above\n<!-- families:begin -->\n\n## Which weights for what")
    assert once.endswith("<!-- families:end -->\nbelow\n") and "yesterday" not in once
    assert "](boards/ranks.png)" in once and "](boards/families.md)" in once
    assert "cost.png" not in once, "no time is known"
    outputs.renew_families(readme, board, tmp_path / "boards")
    assert readme.read_text() == once
    outputs.renew_families(readme, board, tmp_path)
    assert "](ranks.png)" in readme.read_text()
    readme.write_text("<!-- board:begin --><!-- board:end -->")
    with pytest.raises(UserError, match="families:begin"):
        outputs.renew_families(readme, board, tmp_path)


def test_committed_outlines_name_what_fresh_weights_score() -> None:
    """Whatever is measured next: a line either takes somebody or says what fresh weights do."""
    readings = [r for r in read_all(HOME / "results") if r.result.task == "hippocampus"]
    board = build(readings)
    (family,) = [each for each in families(board.panels) if each.panels]
    lines = chooser.choices([family], efforts(board.panels, readings), {})
    assert {"10 % (13)", "all (128)"} <= {line.labels for line in lines}
    for line in lines:
        assert line.take.startswith("**") or "random_init" in line.take


def test_committed_results_are_chosen_from_rank_one() -> None:
    readings = read_all(HOME / "results")
    board = build([r for r in readings if r.result.task == "adrenalmnist3d"])
    (family,) = [each for each in families(board.panels) if each.title == "3D classification"]
    for contest in chooser.contests(family):
        (panel,) = contest.panels
        first = contest.verdict(family).first
        assert first and all(row.rank == 1 for row in contest.rows(first))
        best = max(row.estimates["auc"].mean for row in panel.rows if row.rank == 1)
        leader = panel.row(first[0])
        assert leader is not None and leader.estimates["auc"].mean == best
