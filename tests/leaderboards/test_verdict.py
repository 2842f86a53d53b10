"""Verdicts: who stands first, near and behind by the tests, and the words for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pixvox_leaderboards import verdict
from pixvox_leaderboards.apart import Told
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.verdict import Verdict

from .published_board import read

Publish = Callable[..., Path]


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
