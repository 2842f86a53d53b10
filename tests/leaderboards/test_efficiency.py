"""Label efficiency: which panels make a curve, and what the table and the picture show of it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib
import matplotlib.image
import pytest

from pixvox_leaderboards import efficiency_picture, families_page, outputs
from pixvox_leaderboards.board import Board, build
from pixvox_leaderboards.efficiency import Sweep, sweeps
from pixvox_leaderboards.effort import Efforts, efforts
from pixvox_leaderboards.labels import labels_text, share_of
from pixvox_leaderboards.looks import COLOURS, MARKERS, looks
from pixvox_leaderboards.reading import read_all
from pixvox_leaderboards.wording import with_interval

Publish = Callable[..., Path]
SHARES = {"@1%": 0.5, "@10%": 1.0, "": 1.6}


def measured(publish: Publish, *, counts: dict[str, int] | None = None, task: str = "toy") -> None:
    for share, skill in SHARES.items():
        for method, gain in (("simclr", 0.5), ("byol", 0.3), ("random_init", 0.0)):
            facts = {"at": "2026-01-01", "commit": "0123456", "dirty": ""}
            count = {"labelled_cases": counts[share]} if counts else {}
            publish(
                method,
                skill=skill + gain,
                task=task,
                protocol=f"linear_probe{share}",
                provenance={**facts, **count},
            )


def made(folder: Path) -> tuple[Board, Efforts]:
    readings = read_all(folder / "results")
    board = build(readings)
    return board, efforts(board.panels, readings)


def sweep(folder: Path) -> Sweep:
    board, spent = made(folder)
    (found,) = sweeps(board.panels, spent)
    return found


@pytest.mark.parametrize(
    "protocol", ["finetune", "finetune@home", "finetune@100%", "finetune@0%", "@10%", "f@1e1%"]
)
def test_what_is_no_fraction_is_a_protocol_of_its_own(protocol: str) -> None:
    assert share_of(protocol) == (protocol, 100.0)


def test_fractions_are_read_as_the_benchmark_spells_them() -> None:
    assert share_of("a@b@0.5%") == ("a@b", 0.5)
    assert labels_text(0.5, 1234) == "0.5 % (1,234)"


def test_a_curve_needs_two_shares_of_one_protocol(publish: Publish, tmp_path: Path) -> None:
    publish("simclr", protocol="linear_probe")
    publish("simclr", protocol="knn_probe@10%")
    publish("simclr", protocol="linear_probe@10%", task="other")
    board, spent = made(tmp_path)
    assert sweeps(board.panels, spent) == []
    publish("simclr", protocol="linear_probe@10%")
    found = sweep(tmp_path)
    assert (found.task, found.protocol) == ("toy", "linear_probe")
    assert found.percents == (10.0, 100.0)


def test_shares_are_in_the_order_of_labels_and_scores_are_the_boards(
    publish: Publish, tmp_path: Path
) -> None:
    measured(publish)
    board, _ = made(tmp_path)
    found = sweep(tmp_path)
    assert (found.percents, found.labels) == ((1.0, 10.0, 100.0), (None,) * 3)
    panels = {panel.protocol: panel for panel in board.panels}
    for method in ("simclr", "random_init"):
        rows = [panels[f"linear_probe{share}"].row(method) for share in SHARES]
        assert found.at(method) == [row.estimates["auc"] for row in rows if row]
    assert found.methods == (["simclr", "byol"], ["random_init"])
    assert found.at("nobody") == [None] * 3


@pytest.mark.parametrize("change", ["task_version", "protocol_version"])
def test_unlike_versions_make_no_curve(publish: Publish, tmp_path: Path, change: str) -> None:
    publish("simclr", protocol="linear_probe")
    publish("simclr", protocol="linear_probe@10%", **{change: "2"})
    board, spent = made(tmp_path)
    assert sweeps(board.panels, spent) == []


def test_stale_rows_are_on_no_curve(publish: Publish, tmp_path: Path) -> None:
    measured(publish)
    publish("older", skill=3.0, protocol="linear_probe@10%", task_version="0")
    assert "older" not in [method for kind in sweep(tmp_path).methods for method in kind]


def test_who_was_measured_with_all_labels_alone_is_on_no_curve(
    publish: Publish, tmp_path: Path
) -> None:
    measured(publish)
    publish("swav", protocol="linear_probe")
    publish("vicreg", protocol="linear_probe@10%")
    methods, _ = sweep(tmp_path).methods
    assert sorted(methods) == ["byol", "simclr", "vicreg"]


def test_labels_are_counted_where_every_row_tells(publish: Publish, tmp_path: Path) -> None:
    measured(publish, counts={"@1%": 5, "@10%": 54, "": 546})
    assert sweep(tmp_path).labels == (5, 54, 546)
    publish("swav", protocol="linear_probe@10%")
    assert sweep(tmp_path).labels == (5, None, 546)


def test_the_table_shows_the_numbers_of_the_board(publish: Publish, tmp_path: Path) -> None:
    measured(publish, counts={"@1%": 5, "@10%": 54, "": 546})
    board, spent = made(tmp_path)
    text = families_page.page(board, spent, {}).partition("## Label efficiency")[2]
    assert re.search(r"\| 1 % \(5\) +\| 10 % \(54\) +\| all \(546\) +\|", text)
    (line,) = [line for line in text.splitlines() if line.startswith("| simclr")]
    cells = re.findall(r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]", line)
    assert cells == [with_interval(one) for one in sweep(tmp_path).at("simclr")]


def drawn(*found: Sweep) -> bytes:
    return efficiency_picture.png(found, looks(["simclr", "byol"], ["random_init"]))


def test_the_picture_hangs_on_the_sweeps_alone(publish: Publish, tmp_path: Path) -> None:
    measured(publish)
    found = sweep(tmp_path)
    first = drawn(found)
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        assert drawn(found) == first
    assert drawn(replace(found, labels=(5, 54, 546))) != first
    picture = matplotlib.image.imread(io.BytesIO(first))
    assert picture.std() > 0.05, "not a blank page"
    twice = matplotlib.image.imread(io.BytesIO(drawn(found, replace(found, task="b"))))
    assert twice.shape[0] > 1.5 * picture.shape[0], "a line of panels for each task"


def test_no_two_methods_look_alike_in_grey_or_colour() -> None:
    many = [f"m{number}" for number in range(len(COLOURS) * len(MARKERS))]
    found = looks(many, ["random_init", "supervised"])
    assert len(set(found.values())) == len(found)
    few = looks(many[: len(MARKERS)], [])
    assert len({look.marker for look in few.values()}) == len(few), "grey tells as many as these"


def test_outputs_draw_it_where_there_are_shares_and_take_yesterdays_away(
    publish: Publish, tmp_path: Path
) -> None:
    measured(publish)
    board, _ = made(tmp_path)
    out = tmp_path / "out"
    assert "efficiency.png" in {file.name for file in outputs.write(board, out)}
    assert (out / "efficiency.png").is_file()
    plain = replace(board, panels=tuple(p for p in board.panels if "@" not in p.protocol))
    assert "efficiency.png" not in {file.name for file in outputs.write(plain, out)}
    assert not (out / "efficiency.png").exists()
