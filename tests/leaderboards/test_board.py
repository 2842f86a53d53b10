"""A board is a function of files: it groups, ranks, marks, and never mixes keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.board import Board, Panel, build
from pixvox_leaderboards.estimate import Estimate, joint_interval
from pixvox_leaderboards.markdown import markdown
from pixvox_leaderboards.reading import read_all
from pixvox_leaderboards.wording import metric_label, panel_facts, rank_text
from pixvox_registry import METRICS, UserError
from pixvox_registry.bootstrap import interval

Publish = Callable[..., Path]


@pytest.fixture
def board(tmp_path: Path) -> Callable[[], Board]:
    return lambda: build(read_all(tmp_path / "results"))


def only_panel(board: Board) -> Panel:
    (panel,) = board.panels
    return panel


def estimate_of(low: float, high: float, *, higher_is_better: bool = True) -> Estimate:
    return Estimate(
        mean=(low + high) / 2,
        low=low,
        high=high,
        seed_sd=None,
        method="bca",
        note="",
        higher_is_better=higher_is_better,
    )


def test_seeds_become_one_row(publish: Publish, board: Callable[[], Board]) -> None:
    files = [publish("simclr", seed=seed) for seed in (0, 1, 2)]
    scores = [Result.read(file).scores["auc"] for file in files]
    (row,) = only_panel(board()).rows
    assert row.seeds == (0, 1, 2)
    assert row.estimates["auc"].mean == round(float(np.mean(scores)), 3)
    assert row.estimates["auc"].seed_sd == round(float(np.std(scores, ddof=1)), 3)


def test_one_seed_has_no_spread_and_the_interval_of_its_file(
    publish: Publish, board: Callable[[], Board]
) -> None:
    stated = Result.read(publish("simclr")).intervals["auc"]
    estimate = only_panel(board()).rows[0].estimates["auc"]
    assert estimate.seed_sd is None
    assert (estimate.low, estimate.high) == (round(stated["low"], 3), round(stated["high"], 3))


@pytest.mark.parametrize("name", ["auc", "accuracy"])
def test_interval_draws_cases_once_for_all_seeds(publish: Publish, name: str) -> None:
    """The naive loop: for each resample, the metric of each seed on the same cases, averaged."""
    file = publish("simclr", seed=0)
    publish("simclr", seed=1)
    runs = [reading.cases for reading in read_all(file.parents[2])]
    metric = METRICS.build(name)
    target = np.array(runs[0].target)

    def naive(weight: np.ndarray) -> np.ndarray:
        scores = []
        for counts in weight:
            rows = np.repeat(np.arange(len(counts)), counts.astype(int))
            once = np.ones((1, len(rows)))
            of_seeds = [
                metric(np.array(run.probability)[rows], target[rows], once)[0] for run in runs
            ]
            scores.append(sum(of_seeds) / len(of_seeds))
        return np.array(scores)

    strata = target if metric.stratified else None
    wanted = interval(naive, len(target), strata=strata)
    found = joint_interval(metric, runs)
    assert found.method == wanted.method == "bca"
    assert found.low == pytest.approx(wanted.low, abs=1e-12)
    assert found.high == pytest.approx(wanted.high, abs=1e-12)


def test_seeds_with_other_labels_are_not_averaged(publish: Publish) -> None:
    file = publish("simclr")
    (reading,) = read_all(file.parents[2])
    other = type(reading.cases)(
        ids=reading.cases.ids,
        target=(1 - reading.cases.target[0], *reading.cases.target[1:]),
        probability=reading.cases.probability,
    )
    with pytest.raises(UserError, match="same cases with the same labels"):
        joint_interval(METRICS.build("auc"), [reading.cases, other])


def test_intervals_decide_ranks(publish: Publish, board: Callable[[], Board]) -> None:
    for method, skill in (("best", 2.5), ("good", 2.3), ("poor", 0.3)):
        publish(method, skill=skill)
    ranks = {row.method: row.rank for row in only_panel(board()).rows}
    assert ranks == {"best": 1, "good": 1, "poor": 3}


def test_lower_is_better_turns_the_comparison() -> None:
    small = estimate_of(0.1, 0.2, higher_is_better=False)
    large = estimate_of(0.3, 0.4, higher_is_better=False)
    assert small.is_clearly_better_than(large)
    assert not large.is_clearly_better_than(small)
    assert not estimate_of(0.1, 0.3).is_clearly_better_than(estimate_of(0.2, 0.4))
    assert not estimate_of(0.2, 0.3).is_clearly_better_than(estimate_of(0.1, 0.2)), (
        "touching is overlap"
    )


def test_direction_comes_from_the_files(publish: Publish, board: Callable[[], Board]) -> None:
    """Nobody here has the metric: the files alone say that less is better."""
    facts = {
        "metric_versions": {"auc": "0", "accuracy": "1"},
        "higher_is_better": {"auc": False, "accuracy": True},
    }
    for method, skill in (("high", 2.0), ("low", 0.3)):
        publish(method, skill=skill, **facts)
    panel = only_panel(board())
    assert metric_label(panel, "auc") == "AUC ↓"
    assert [row.method for row in panel.rows] == ["low", "high"]


def test_without_intervals_nothing_is_ranked_or_marked(
    publish: Publish, board: Callable[[], Board]
) -> None:
    for method in ("simclr", "barlow_twins", "random_init"):
        publish(method, metric_versions={"auc": "0", "accuracy": "1"})
    panel = only_panel(board())
    assert not panel.has_floor
    assert [rank_text(row) for row in panel.rows] == ["—", "—", "ref"]
    assert all(row.marks == () for row in panel.rows)


def test_who_is_alone_leads_nobody(publish: Publish, board: Callable[[], Board]) -> None:
    publish("simclr", skill=2.5)
    publish("supervised", skill=2.5)
    (alone,) = (row for row in only_panel(board()).rows if row.rank == 1)
    assert not only_panel(board()).leads(alone)
    publish("poor", skill=0.3)
    panel = only_panel(board())
    assert [row.method for row in panel.rows if panel.leads(row)] == ["simclr"]


def test_references_are_set_apart_and_not_ranked(
    publish: Publish, board: Callable[[], Board]
) -> None:
    for method, skill in (("supervised", 3.0), ("random_init", 0.2), ("simclr", 1.5)):
        publish(method, skill=skill)
    rows = only_panel(board()).rows
    assert [row.method for row in rows] == ["simclr", "supervised", "random_init"]
    assert [row.rank for row in rows] == [1, None, None]


def test_who_does_not_beat_random_init_is_marked(
    publish: Publish, board: Callable[[], Board]
) -> None:
    for method, skill in (("random_init", 0.4), ("lucky", 0.5), ("simclr", 2.5)):
        publish(method, skill=skill)
    marks = {row.method: row.marks for row in only_panel(board()).rows}
    assert marks["lucky"] == ("not better than random init",)
    assert marks["simclr"] == marks["random_init"] == ()


def test_collapsed_unverified_and_case_level_are_shown(
    publish: Publish, board: Callable[[], Board]
) -> None:
    publish("simclr", collapsed=True, data={"dataset": "toy", "verified": False}, units="image")
    panel = only_panel(board())
    assert panel.rows[0].marks == ("collapsed", "unverified data")
    assert panel.is_case_level
    assert not panel.is_verified


def test_intervals_and_tests_are_over_patients_who_have_several_cases(
    publish: Publish, board: Callable[[], Board]
) -> None:
    of_two = tuple(f"p{case // 10}" for case in range(60))  # within a patient, cases of each class
    for method, skill in (("random_init", 0.4), ("simclr", 1.5)):
        publish(method, skill=skill, units="image", patients=of_two)
    panel = only_panel(board())
    assert not panel.is_case_level and panel.patients == 6
    assert "60 test cases, each an image, of 6 patients" in panel_facts(panel)
    (simclr,) = (row for row in panel.rows if row.method == "simclr")
    assert simclr.over_floor is not None
    assert simclr.over_floor.p is not None and simclr.over_floor.p >= 0.5**5


def test_results_of_an_older_task_are_stale(publish: Publish, board: Callable[[], Board]) -> None:
    publish("simclr", skill=3.0, task_version="9")
    publish("barlow_twins", skill=1.0, task_version="10")
    rows = {row.method: row for row in only_panel(board()).rows}
    assert not rows["barlow_twins"].is_stale
    assert rows["barlow_twins"].rank == 1
    assert rows["simclr"].is_stale
    assert rows["simclr"].rank is None
    assert rows["simclr"].marks == ("stale",)


def test_results_of_an_older_protocol_plugin_are_stale(
    publish: Publish, board: Callable[[], Board]
) -> None:
    """Its version typed by hand is the same; its code is not."""
    publish("simclr", measuring="pixvox 0.1.0 aaaaaaaaaaaa")
    publish(
        "barlow_twins",
        measuring="pixvox 0.1.0 bbbbbbbbbbbb",
        at="2026-02-01T00:00:00+00:00",
    )
    rows = {row.method: row for row in only_panel(board()).rows}
    assert not rows["barlow_twins"].is_stale
    assert rows["simclr"].is_stale


def test_metrics_in_another_order_rank_nobody_else(
    publish: Publish, board: Callable[[], Board]
) -> None:
    """The newest result says which metric ranks; who says another is stale, and turns nothing."""
    publish("aaa", metrics=("accuracy", "auc"))
    publish("simclr", at="2026-02-01T00:00:00+00:00")
    panel = only_panel(board())
    assert panel.metrics == ("auc", "accuracy")
    assert [row.method for row in panel.rows if row.is_stale] == ["aaa"]


@pytest.mark.parametrize("silent", ["aaa", "zzz"])
def test_no_row_takes_away_the_warnings_of_a_panel(
    publish: Publish, board: Callable[[], Board], silent: str
) -> None:
    few, many = ({"train-test": {"exact": 1, "near": near}} for near in (3, 39))
    publish("many", units="image", duplicates=many)
    publish("few", units="image", duplicates=few)
    publish(silent, units="patient")
    panel = only_panel(board())
    assert panel.is_case_level
    assert panel.duplicates == many


def test_plugins_of_methods_may_differ(publish: Publish, board: Callable[[], Board]) -> None:
    publish("simclr", plugin="pixvox 0.1.0")
    publish("barlow_twins", plugin="pixvox 0.2.0", at="2026-02-01T00:00:00+00:00")
    assert not any(row.is_stale for row in only_panel(board()).rows)


def test_a_row_never_mixes_keys(publish: Publish, board: Callable[[], Board]) -> None:
    """One seed was measured again with a newer plugin: the older seeds do not join it."""
    for seed in (0, 1, 2):
        publish("simclr", seed=seed, plugin="pixvox 0.1.0")
    publish("simclr", seed=0, plugin="pixvox 0.2.0", at="2026-02-01T00:00:00+00:00")
    new, old = only_panel(board()).rows
    assert (new.seeds, new.is_stale) == ((0,), False)
    assert (old.seeds, old.is_stale) == ((0, 1, 2), True)


def test_the_newest_result_of_a_seed_counts(publish: Publish, board: Callable[[], Board]) -> None:
    publish("simclr", skill=1.0)
    newest = Result.read(publish("simclr", skill=2.0, at="2026-02-01T00:00:00+00:00"))
    new, old = only_panel(board()).rows
    assert new.keys == (newest.key,)
    assert old.is_stale


def test_no_results_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such folder"):
        read_all(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="pixvox benchmark"):
        read_all(tmp_path / "empty")


def test_a_bar_in_a_name_is_no_end_of_its_cell(
    publish: Publish, board: Callable[[], Board]
) -> None:
    publish("weights:a|b")
    publish("random_init", skill=0.1)
    (line,) = [line for line in markdown(board()).splitlines() if "weights:" in line]
    assert r"weights:a\|b" in line
