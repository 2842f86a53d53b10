"""Boards by family: what belongs where, who is told from whom, and the pages that say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from pixvox_leaderboards import families_page, outputs
from pixvox_leaderboards.apart import Told, told_apart
from pixvox_leaderboards.board import build
from pixvox_leaderboards.comparison import compared, corrected
from pixvox_leaderboards.effort import efforts
from pixvox_leaderboards.families import families, kind_of
from pixvox_leaderboards.reading import Reading
from pixvox_registry import UserError
from pixvox_registry.budgets import budget

from .published_board import read

Publish = Callable[..., Path]
VOLUMES = budget("small", 3).facts()


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
