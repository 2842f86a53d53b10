"""Cost against score: whose time is known, on which machine, and who is on the front."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.image
import pytest

from pixvox_benchmarks.result import Result
from pixvox_leaderboards import cost_picture, families_page, outputs
from pixvox_leaderboards.board import Board, build
from pixvox_leaderboards.cost import Cloud, clouds
from pixvox_leaderboards.effort import UNKNOWN, Effort, Efforts, efforts
from pixvox_leaderboards.looks import looks
from pixvox_leaderboards.reading import read_all

Publish = Callable[..., Path]
RUN = {"processor": "AMD EPYC", "threads": 1, "accelerator": "none", "peak_memory_mb": 812.5}
SECONDS = {"a": 20.0, "b": 40.0, "c": 40.0, "d": 80.0, "e": 160.0}
SKILLS = {"a": 0.4, "b": 1.6, "c": 0.9, "d": 1.0, "e": 2.2}


def behind(seconds: float | None, **facts: Any) -> dict[str, Any]:
    """Provenance of a result whose weights took so long."""
    run = {**RUN, **({} if seconds is None else {"wall_seconds": seconds}), **facts}
    return {"at": "2026-01-01", "commit": "0123456", "dirty": "", "weights": run}


@pytest.fixture
def measured(publish: Publish) -> Callable[..., None]:
    def write(**facts: Any) -> None:
        for method, seconds in SECONDS.items():
            publish(method, skill=SKILLS[method], provenance=behind(seconds), **facts)
        publish("supervised", skill=3.0, provenance=behind(10.0), **facts)
        publish("random_init", skill=0.1, provenance=behind(0.5), **facts)

    return write


def made(folder: Path) -> tuple[Board, Efforts]:
    readings = read_all(folder / "results")
    board = build(readings)
    return board, efforts(board.panels, readings)


def cloud(folder: Path) -> Cloud:
    board, spent = made(folder)
    (found,) = clouds(board.panels, spent)
    return found


def test_the_front_is_that_of_the_naive_loop(measured: Callable[..., None], tmp_path: Path) -> None:
    measured()
    found = cloud(tmp_path)
    shown = {p.row.method: (p.seconds, p.estimate.mean) for p in found.points}
    front = set()
    for mine, (seconds, mean) in shown.items():
        beaten = False
        for other, (their_seconds, their_mean) in shown.items():
            as_good = their_seconds <= seconds and their_mean >= mean
            better = their_seconds < seconds or their_mean > mean
            beaten |= as_good and better and other != "supervised"
        if not beaten and mine != "supervised":
            front.add(mine)
    assert {p.row.method for p in found.points if p.on_front} == front == {"a", "b", "e"}
    assert [p.row.method for p in found.points] == ["supervised", "a", "b", "c", "d", "e"]


def test_less_is_better_where_the_metric_says_so(
    measured: Callable[..., None], tmp_path: Path
) -> None:
    measured()
    board, spent = made(tmp_path)
    (panel,) = board.panels
    rows = tuple(
        replace(
            r, estimates={n: replace(e, higher_is_better=False) for n, e in r.estimates.items()}
        )
        for r in panel.rows
    )
    (found,) = clouds([replace(panel, rows=rows)], spent)
    assert {p.row.method for p in found.points if p.on_front} == {"a"}


def test_equals_are_on_the_front_together(publish: Publish, tmp_path: Path) -> None:
    for method, seconds in (("a", 20.0), ("b", 20.0), ("dearer", 30.0)):
        publish(method, skill=1.0, provenance=behind(seconds))
    assert [p.on_front for p in cloud(tmp_path).points] == [True, True, False]


def test_machines_are_clouds_of_their_own(publish: Publish, tmp_path: Path) -> None:
    for method, skill in (("a", 1.0), ("b", 1.2), ("c", 1.4)):
        publish(method, skill=skill, provenance=behind(20.0 + skill))
    for method, skill in (("d", 1.0), ("e", 1.2)):
        publish(method, skill=skill, provenance=behind(2.0, accelerator="NVIDIA H200"))
    publish("f", skill=2.0, provenance=behind(9.0, threads=2))
    board, spent = made(tmp_path)
    found = {
        cloud.machine: {point.row.method for point in cloud.points}
        for cloud in clouds(board.panels, spent)
    }
    assert found == {"AMD EPYC, 1 thread": {"a", "b", "c"}, "NVIDIA H200": {"d", "e"}}


def test_drawn_weights_and_unknown_times_are_no_points(publish: Publish, tmp_path: Path) -> None:
    publish("a", skill=1.0, provenance=behind(20.0))
    publish("b", skill=1.2, provenance=behind(30.0))
    publish("silent", skill=1.4, provenance=behind(None))
    publish("drawn", skill=0.2, provenance=behind(0.7, images_per_second=0.0), family="reference")
    publish("random_init", skill=0.2, provenance=behind(0.7))
    publish("older", skill=1.4, provenance=behind(20.0), task_version="0")
    assert {point.row.method for point in cloud(tmp_path).points} == {"a", "b"}


def test_one_method_alone_is_no_cloud(publish: Publish, tmp_path: Path) -> None:
    publish("a", provenance=behind(20.0))
    publish("supervised", provenance=behind(20.0))
    board, spent = made(tmp_path)
    assert clouds(board.panels, spent) == []


def test_fractions_of_the_labels_are_left_to_the_curves(
    measured: Callable[..., None], tmp_path: Path
) -> None:
    measured()
    measured(protocol="knn_probe@10%")
    assert cloud(tmp_path).panel.protocol == "knn_probe"


def results(publish: Publish, *runs: dict[str, Any]) -> list[Result]:
    return [Result.read(publish("a", seed=seed, provenance=run)) for seed, run in enumerate(runs)]


def test_seeds_are_averaged_and_memory_is_of_the_worst(publish: Publish) -> None:
    found = Effort.of(results(publish, behind(20.0), behind(31.0, peak_memory_mb=900.0)))
    assert (found.seconds, found.machine) == (25.5, "AMD EPYC, 1 thread")
    assert found.memory_mb == 900.0 and len(set(found.weights)) == 2


ELSEWHERE = behind(500.0, threads=2)


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([ELSEWHERE, behind(20.0), behind(31.0)], (25.5, "AMD EPYC, 1 thread")),
        ([ELSEWHERE, ELSEWHERE, behind(20.0), behind(31.0)], (None, "")),
    ],
)
def test_where_most_seeds_ran_is_where_time_is_told(
    publish: Publish, runs: list[dict[str, Any]], told: tuple[float | None, str]
) -> None:
    found = Effort.of(results(publish, *runs))
    assert (found.seconds, found.machine) == told


@pytest.mark.parametrize(
    "other",
    [
        behind(20.0, threads=4),
        behind(None),
        behind(20.0, processor=""),
        {"at": "2026-01-01", "commit": "unknown", "dirty": ""},
    ],
)
def test_what_one_seed_does_not_tell_is_unknown(publish: Publish, other: dict[str, Any]) -> None:
    assert Effort.of(results(publish, behind(20.0), other)).seconds is None


def test_no_time_is_ever_guessed_without_efforts(
    measured: Callable[..., None], tmp_path: Path
) -> None:
    measured()
    board, spent = made(tmp_path)
    assert clouds(board.panels, {}) == []
    assert "unknown time" in families_page.page(board, {}, {})
    assert "unknown time" not in families_page.page(board, spent, {})
    assert spent[board.panels[0].rows[0].keys] != UNKNOWN


def test_the_table_shows_what_it_took(measured: Callable[..., None], tmp_path: Path) -> None:
    measured()
    board, spent = made(tmp_path)
    text = families_page.page(board, spent, {}).partition("## Cost against score")[2]
    assert "### toy · `small` · AMD EPYC, 1 thread" in text
    (line,) = [line for line in text.splitlines() if line.startswith("| e ")]
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells == ["e", "160.0", "812", "11.2 M", "knn_probe"]
    (line,) = [line for line in text.splitlines() if line.startswith("| c ")]
    assert line.split("|")[-2].strip() == "—"


def picture(found: Sequence[Cloud]) -> bytes:
    return cost_picture.png(found, looks(list(SECONDS), ["supervised"]))


def test_the_picture_hangs_on_the_clouds_alone(
    measured: Callable[..., None], tmp_path: Path
) -> None:
    measured()
    found = cloud(tmp_path)
    first = picture([found])
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert picture([found]) == first
    assert picture([replace(found, machine="an abacus")]) != first
    assert matplotlib.image.imread(io.BytesIO(first)).std() > 0.05, "not a blank page"


def test_outputs_draw_it_where_times_are_known_and_take_yesterdays_away(
    measured: Callable[..., None], tmp_path: Path
) -> None:
    measured()
    board, _ = made(tmp_path)
    out = tmp_path / "out"
    assert "cost.png" in {file.name for file in outputs.write(board, out)}
    assert "(cost.png)" in (out / "families.md").read_text()
    assert "cost.png" not in {file.name for file in outputs.write(replace(board, efforts={}), out)}
    assert not (out / "cost.png").exists()
    assert "cost.png" not in (out / "families.md").read_text()
