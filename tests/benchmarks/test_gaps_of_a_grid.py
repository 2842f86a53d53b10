"""What a grid cannot measure is said, kept for the board, and takes nothing else down."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixvox_benchmarks import launch, runner
from pixvox_benchmarks.gap import gaps_below
from pixvox_benchmarks.grid import Grid
from pixvox_benchmarks.plan import plan
from pixvox_registry import UserError
from pixvox_registry.errors import NoData


def grid(*tasks: str, protocols: tuple[str, ...] = ("knn_probe",)) -> Grid:
    return Grid(methods=("random_init",), tasks=tasks, protocols=protocols, seeds=2, budget="tiny")


@pytest.fixture(autouse=True)
def no_data_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path / "nowhere"))


def test_a_task_without_data_leaves_the_others_their_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = plan(grid("phantom_shapes_2d", "breastmnist"), tmp_path)
    assert {cell.workshop.task.name for cell in planned.cells} == {"phantom_shapes_2d"}
    monkeypatch.setattr(runner, "run", lambda *_, **__: {})
    launch.complete(planned, "local", workers=1, quiet=True)
    (gap,) = gaps_below(planned.results)
    assert (gap.task, gap.protocol, gap.state) == ("breastmnist", None, "no data")
    said = capsys.readouterr().err
    assert "breastmnist is left out: " in said and str(tmp_path) in said
    assert "medmnist:breastmnist" in gap.why and str(tmp_path) not in gap.why


def test_where_no_task_has_data_the_grid_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NoData, match="No task of this grid"):
        plan(grid("breastmnist", "isic2017"), tmp_path)
    said = capsys.readouterr().err
    assert "breastmnist is left out: " in said and "isic2017 is left out: " in said


def test_the_only_task_says_once_that_it_has_no_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NoData, match="nowhere"):
        plan(grid("breastmnist"), tmp_path)
    assert capsys.readouterr().err == ""


def test_a_fraction_that_leaves_too_few_is_not_applicable(tmp_path: Path) -> None:
    asked = ("knn_probe", "knn_probe@50%", "knn_probe@0.1%")
    planned = plan(grid("phantom_shapes_2d", protocols=asked), tmp_path)
    assert {cell.cell.protocol for cell in planned.cells} == set(asked[:2])
    assert [(gap.protocol, gap.state) for gap in planned.gaps] == [(asked[2], "not applicable")]
    with pytest.raises(UserError, match="Nothing is left to measure"):
        plan(grid("phantom_shapes_2d", protocols=asked[2:]), tmp_path)
