"""Methods over tasks: mean ranks, their intervals, who takes part, and what cannot be told."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib
import matplotlib.image
import numpy as np
import pytest

from pixvox_leaderboards import league_picture, outputs
from pixvox_leaderboards.board import Board, build
from pixvox_leaderboards.html import page
from pixvox_leaderboards.league import RESAMPLES, League, Standing, leagues
from pixvox_leaderboards.league_wording import told
from pixvox_leaderboards.markdown import markdown
from pixvox_leaderboards.reading import read_all
from pixvox_leaderboards.seed_mean import SeedMean
from pixvox_registry.draws import key
from pixvox_registry.resampling import Units

Publish = Callable[..., Path]
Make = Callable[[], Board]
TASKS = ("one", "two", "three")


@pytest.fixture
def board(tmp_path: Path) -> Make:
    return lambda: build(read_all(tmp_path / "results"))


def measured(publish: Publish, skills: dict[str, Sequence[float]]) -> None:
    """Each method's skill on each task; none where it is not measured."""
    for method, of_tasks in skills.items():
        for task, skill in zip(TASKS, of_tasks, strict=False):
            publish(method, skill=skill, task=task)


def standing(method: str, mean_rank: float, *, is_reference: bool = False) -> Standing:
    return Standing(
        method=method,
        is_reference=is_reference,
        place=1,
        mean_rank=mean_rank,
        low=mean_rank,
        high=mean_rank,
        ranks=(mean_rank,),
    )


def league_of(mean_ranks: Sequence[float], cliques: tuple[tuple[int, int], ...]) -> League:
    """Demšar's fourteen data sets, as far as the picture and the words need them."""
    names = ("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5")
    return League(
        budget="small",
        protocol="knn_probe",
        tasks=("adult", "wine"),
        standings=tuple(standing(n, rank) for n, rank in zip(names, mean_ranks, strict=True)),
        left_out=(),
        chi_square=9.28,
        p=0.02,
        critical_difference=1.12,
        cliques=cliques,
    )


def test_ranks_and_intervals_are_those_of_the_naive_loop(publish: Publish, board: Make) -> None:
    skills = {"a": (1.6, 0.9, 1.3), "b": (1.5, 1.2, 0.4), "random_init": (0.5, 0.8, 0.6)}
    measured(publish, skills)
    made = board()
    (league,) = made.leagues
    methods, panels = sorted(skills), {panel.task: panel for panel in made.panels}

    def rank(scores: Sequence[float], mine: float) -> float:
        shown = [round(float(score), 3) for score in scores]
        above = sum(score > round(float(mine), 3) for score in shown)
        beside = sum(score == round(float(mine), 3) for score in shown)
        return above + (beside + 1) / 2

    drawn = np.zeros((RESAMPLES, len(methods)))
    observed: dict[str, list[float]] = {method: [] for method in methods}
    for task in league.tasks:
        scores = panels[task].scores
        cases, strata = scores["a"].cases, scores["a"].strata
        (weight,) = Units(cases, strata=strata).resampled(RESAMPLES, key(0, "ranks", task))
        for counts, into in zip(weight, drawn, strict=True):
            of_all = [scores[method](counts[None])[0] for method in methods]
            into += [rank(of_all, mine) / len(TASKS) for mine in of_all]
        whole = [scores[method](np.ones((1, cases)))[0] for method in methods]
        for method, mine in zip(methods, whole, strict=True):
            observed[method].append(rank(whole, mine))
    for found in league.standings:
        column = drawn[:, methods.index(found.method)]
        assert found.ranks == tuple(observed[found.method])
        assert found.mean_rank == round(float(np.mean(found.ranks)), 2)
        wanted = np.round(np.quantile(column, [0.025, 0.975]), 2)
        np.testing.assert_allclose([found.low, found.high], wanted, atol=1e-9)
        assert found.low < found.high
    assert [s.is_reference for s in league.standings if s.method == "random_init"] == [True]


def test_places_are_shared_where_intervals_overlap(publish: Publish, board: Make) -> None:
    skills = {"good": (1.0, 1.2, 1.1), "twin": (0.9, 1.3, 1.0), "random_init": (0.0,) * 3}
    measured(publish, skills)
    (league,) = board().leagues
    good, twin, last = league.standings
    assert good.mean_rank < twin.mean_rank
    assert [s.place for s in (good, twin, last)] == [1, 1, 3]


class Constant:
    """A metric of one value."""

    version, higher_is_better, stratified = "1", True, False

    def __init__(self, value: float) -> None:
        self.value = value

    def __call__(self, weight: np.ndarray) -> np.ndarray:
        return np.full(len(weight), self.value)


@pytest.mark.parametrize(
    ("higher_is_better", "ranks"), [(True, [1.5, 1.5, 3.0]), (False, [2.5, 2.5, 1.0])]
)
def test_figures_are_rounded_and_turned_before_they_are_ranked(
    publish: Publish, board: Make, higher_is_better: bool, ranks: list[float]
) -> None:
    measured(publish, {"a": (1.0, 1.0), "b": (0.9, 0.9), "c": (0.8, 0.8)})
    values = {"a": 0.9001, "b": 0.9004, "c": 0.89}
    panels = [
        replace(
            panel,
            higher_is_better={"auc": higher_is_better, "accuracy": True},
            scores={
                method: SeedMean(metric=Constant(values[method]), seeds=score.seeds)
                for method, score in panel.scores.items()
            },
        )
        for panel in board().panels
    ]
    (league,) = leagues(panels)
    assert {s.method: s.mean_rank for s in league.standings} == dict(zip("abc", ranks, strict=True))


def test_equal_scores_share_the_mean_of_their_ranks(publish: Publish, board: Make) -> None:
    measured(publish, {"a": (1.0,) * 3, "b": (1.0,) * 3, "c": (0.2,) * 3})
    (league,) = board().leagues
    assert [s.ranks for s in league.standings] == [(1.5,) * 3, (1.5,) * 3, (3.0,) * 3]
    assert league.standings[0].low == league.standings[0].high == 1.5


def test_one_task_has_no_mean_rank(publish: Publish, board: Make) -> None:
    measured(publish, {"a": (1.0,), "b": (0.5,)})
    made = board()
    assert made.leagues == ()
    assert "Mean ranks" not in markdown(made) + page(made)


def test_tasks_without_methods_in_common_are_leagues_of_their_own(
    publish: Publish, board: Make
) -> None:
    for task in TASKS:
        for method in ("a", "b") if task == "one" else ("c", "d"):
            publish(method, skill=1.0, task=task)
    (league,) = board().leagues
    assert league.tasks == ("three", "two")
    assert {s.method for s in league.standings} == {"c", "d"}


def test_who_lacks_a_task_is_left_out_and_named(publish: Publish, board: Make) -> None:
    measured(publish, {"a": (1.0,) * 3, "b": (0.5,) * 3, "partly": (2.0, 2.0)})
    (league,) = board().leagues
    assert league.left_out == ("partly",)
    assert "Left out, as they lack a task: partly." in told(league)


def test_a_task_of_few_methods_does_not_empty_a_league(publish: Publish, board: Make) -> None:
    for task in TASKS:
        for number, method in enumerate("abcdef"):
            if task != "one" or number < 2:
                publish(method, skill=0.3 * number, task=task)
    (league,) = board().leagues
    assert (league.tasks, len(league.standings)) == (("three", "two"), 6)


def test_stale_rows_take_no_part(publish: Publish, board: Make) -> None:
    measured(publish, {"a": (1.0,) * 3, "b": (0.5,) * 3})
    for task in TASKS:
        publish("older", skill=3.0, task=task, task_version="0")
    (league,) = board().leagues
    assert {s.method for s in league.standings} == {"a", "b"}


def test_few_tasks_are_said_to_tell_nothing(publish: Publish, board: Make) -> None:
    measured(publish, {"a": (2.0,) * 3, "b": (0.5,) * 3})
    made = board()
    (league,) = made.leagues
    assert league.critical_difference is None
    assert not league.is_told
    assert "3 tasks can tell nothing of 2 methods in general" in markdown(made)
    assert "3 tasks can tell nothing of 2 methods in general" in page(made)


def test_enough_tasks_tell_the_best_from_the_worst(publish: Publish, board: Make) -> None:
    for number in range(8):
        for place, method in enumerate(("best", "good", "fair", "poor")):
            publish(method, skill=3.0 - 0.9 * place + 0.01 * number, task=f"task{number}")
    (league,) = board().leagues
    assert league.is_told
    assert league.p < 0.001 and league.critical_difference == 1.66
    assert league.cliques == ((0, 1), (1, 2), (2, 3))
    assert "best is told from fair, poor." in told(league)


def test_words_name_nobody_where_friedman_does_not_reject() -> None:
    apart = league_of((1.964, 2.0, 2.893, 3.143), ((0, 2), (2, 3)))
    assert "C4.5+m+cf is told from C4.5." in told(apart)
    together = replace(apart, cliques=((0, 3),), p=0.2)
    assert "No two methods are told apart." in told(together)


def test_forms_say_the_same(publish: Publish, board: Make) -> None:
    measured(publish, {"a": (2.0, 1.0, 1.5), "b": (0.5, 0.9, 0.7), "random_init": (0.1,) * 3})
    made = board()
    (league,) = made.leagues
    (stated,) = json.loads(outputs.texts(made)["board.json"])["leagues"]
    assert [s["method"] for s in stated["standings"]] == [s.method for s in league.standings]
    best = league.standings[0]
    shown = f"{best.mean_rank:.2f} [{best.low:.2f}, {best.high:.2f}]"
    assert shown in markdown(made) and shown in page(made)


def test_the_picture_hangs_on_the_leagues_alone(publish: Publish, board: Make) -> None:
    told_apart = league_of((1.964, 2.0, 2.893, 3.143), ((0, 2), (2, 3)))
    first = league_picture.png([told_apart])
    assert league_picture.png([told_apart]) == first
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        assert league_picture.png([told_apart]) == first
    assert league_picture.png([replace(told_apart, cliques=((0, 3),))]) != first
    picture = matplotlib.image.imread(io.BytesIO(first))
    assert picture.std() > 0.05, "not a blank page"
    assert matplotlib.image.imread(io.BytesIO(league_picture.png([told_apart] * 2))).shape[
        0
    ] == pytest.approx(2 * picture.shape[0], abs=2)


def test_a_board_without_leagues_takes_away_the_picture_of_yesterday(
    publish: Publish, board: Make, tmp_path: Path
) -> None:
    publish("a", skill=1.0)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ranks.png").write_bytes(b"yesterday")
    assert "ranks.png" not in {file.name for file in outputs.write(board(), tmp_path / "out")}
    assert not (tmp_path / "out" / "ranks.png").exists()
