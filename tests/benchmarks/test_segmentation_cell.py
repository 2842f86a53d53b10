"""A cell of segmentation from weights to a result that is read back and checked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.cell import measure
from pixvox_benchmarks.grid import Cell, Grid, Pretraining, Workshop
from pixvox_benchmarks.plan import plan
from pixvox_benchmarks.request import request_of
from pixvox_benchmarks.result import Result
from pixvox_benchmarks.scoring import score
from pixvox_registry import UserError
from pixvox_registry.artifacts import fingerprint

ASKED = Pretraining(method="random_init_unet", task="phantom_organs_2d", budget="tiny", seed=0)


def test_a_result_of_masks_is_published_with_a_figure_for_each_structure(tmp_path: Path) -> None:
    workshop = Workshop.of(ASKED)
    assert workshop.order.budget.image_size == workshop.task.patch_size
    cell = Cell(pretraining=ASKED, protocol="segmentation_finetune")
    asked = request_of(cell, workshop)
    assert asked["protocol"]["tuning"]["steps"] > 0
    weights = workshop.maker.make(workshop.order, tmp_path / "run")
    measure(cell, workshop, weights, request=fingerprint(asked), results=tmp_path / "results")
    (file,) = (f for f in (tmp_path / "results").rglob("*.json") if "cases" not in f.name)
    result = Result.read(file)
    cases = result.read_cases(file)
    test = workshop.task.scans("test")
    assert cases.ids == test.ids and result.n_scored == result.n_expected == len(test)
    assert result.metrics[0] == "dice" and result.provenance["test_openings"] == 1
    table = cases.arrays()["dice"]
    assert table.shape == (len(test), 2)
    assert result.scores["dice"] == pytest.approx(np.nanmean(table, axis=0).mean(), abs=1e-12)
    assert score(cases, result.metrics)[0] == result.scores
    assert result.chosen["dice"] > 0


def test_figures_that_do_not_apply_are_null_and_come_back_as_nan() -> None:
    cases = CaseScores.rounded(
        ["a", "b"], columns={"dice": [[0.5, float("nan")], [1.0, 0.25]], "size": [1.0, 2.0]}
    )
    rows = json.loads(cases.content())
    assert rows[0] == ["a", {"dice": [0.5, None], "size": 1.0}]
    back = CaseScores.parse(cases.content())
    assert back.content() == cases.content() and not back.target
    assert np.isnan(back.arrays()["dice"][0, 1]) and back.arrays()["dice"].shape == (2, 2)


def test_a_grid_takes_the_protocols_that_fit_and_names_one_that_never_does(tmp_path: Path) -> None:
    def grid(*protocols: str) -> Grid:
        return Grid(
            methods=("random_init_unet",),
            tasks=("phantom_organs_2d", "phantom_shapes_2d"),
            protocols=protocols,
            seeds=1,
            budget="tiny",
        )

    found = plan(grid("segmentation_frozen", "knn_probe"), tmp_path)
    assert {(p.cell.protocol, p.workshop.task.name) for p in found.cells} == {
        ("segmentation_frozen", "phantom_organs_2d"),
        ("knn_probe", "phantom_shapes_2d"),
    }
    with pytest.raises(UserError, match="'phantom_organs_2d' has nothing to do"):
        plan(grid("knn_probe"), tmp_path)
