"""A cell of segmentation from weights to a result that is read back and checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.cell import measure
from pixvox_benchmarks.grid import Cell, Grid, Pretraining, Workshop
from pixvox_benchmarks.plan import plan
from pixvox_benchmarks.predictions import save
from pixvox_benchmarks.request import request_of
from pixvox_benchmarks.result import Result
from pixvox_benchmarks.scoring import score
from pixvox_benchmarks.structure_scores import compared
from pixvox_registry import UserError
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.scans import Scan, Scans, Truth
from pixvox_registry.volume import read_mask

ASKED = Pretraining(method="random_init_unet", task="phantom_organs_2d", budget="tiny", seed=0)


def test_a_result_of_masks_is_published_with_a_figure_for_each_structure(tmp_path: Path) -> None:
    workshop = Workshop.of(ASKED)
    assert workshop.order.budget.image_size == workshop.task.patch_size
    cell = Cell(pretraining=ASKED, protocol="segmentation_finetune")
    asked = request_of(cell, workshop)
    assert asked["protocol"]["tuning"]["steps"] > 0
    weights = workshop.maker.make(workshop.order, tmp_path / "run")
    measure(
        cell,
        workshop,
        weights,
        request=fingerprint(asked),
        results=tmp_path / "results",
        predictions=tmp_path / "predictions",
    )
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
    kept = tmp_path / "predictions" / cell.label
    assert len(list(kept.rglob("*.png"))) == len(test)
    outlined = torch.from_numpy(np.array(Image.open(kept / f"{test.ids[3]}.png")))
    again = compared([outlined], test.chosen([3]), ("dice",), workshop.task.labels)["dice"]
    assert again[0] == pytest.approx(table[3].tolist(), abs=1e-7, nan_ok=True)


@pytest.mark.parametrize("axes", ["RAS", "LPI", "SRA"])
def test_a_predicted_volume_lies_on_the_voxels_of_its_original(tmp_path: Path, axes: str) -> None:
    labels = np.zeros((6, 7, 8), np.uint8)
    labels[1:3, 2:6, 4:] = 2
    turn = nibabel.orientations.axcodes2ornt(axes)
    turned = nibabel.orientations.apply_orientation(labels, turn)
    affine = np.diag([1.0, 2.0, 3.0, 1.0]) @ nibabel.orientations.inv_ornt_aff(turn, labels.shape)
    original = tmp_path / "scan.nii.gz"
    nibabel.save(nibabel.Nifti1Image(turned, affine), original)
    mask = torch.from_numpy(read_mask(original, size=None, spacing_mm=None)[0])
    scan = Scan(id="scan.nii.gz", image=mask[None], mask=mask, spacing_mm=(3.0, 2.0, 1.0))
    scans = Scans(read=[scan].__getitem__, ids=("a/scan.nii.gz",), dims=3, in_channels=1)
    save([mask], replace(scans, files=(str(original),)), tmp_path / "own")
    save([mask], scans, tmp_path / "bare")
    outside = replace(scans, ids=(str(original),), files=(str(original),))
    before = original.read_bytes()
    save([mask], outside, tmp_path / "held")
    save([mask], replace(outside, ids=("../../scan.nii.gz",)), tmp_path / "held")
    assert original.read_bytes() == before and (tmp_path / "held" / "scan.nii.gz").is_file()
    back = nibabel.load(tmp_path / "own" / "a" / "scan.nii.gz")
    assert np.array_equal(np.asarray(back.dataobj), turned)
    assert np.array_equal(back.affine, affine)
    bare = nibabel.load(tmp_path / "bare" / "a" / "scan.nii.gz")
    assert np.array_equal(np.asarray(bare.dataobj), labels)
    assert bare.header.get_zooms() == (1.0, 2.0, 3.0)


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


def test_what_was_outlined_coarsely_is_held_against_the_file_s_own_grid() -> None:
    fine = torch.zeros(8, 8, dtype=torch.uint8)
    fine[2:5, 2:6] = 1  # 12 pixels of .5 mm
    coarse = fine[::2, ::2].contiguous()  # [4, 4] of 1 mm: two rows and columns
    scan = Scan(id="a", image=coarse[None], mask=coarse, spacing_mm=(1.0, 1.0))
    scans = Scans(read=[scan].__getitem__, ids=("a",), dims=2, in_channels=1)
    there = replace(scans, truth=lambda _: Truth(fine, (0.5, 0.5)))
    assert compared([coarse], scans, ("dice",), 2)["dice"] == [[1.0]]
    grown = torch.zeros(8, 8)
    grown[2:6, 2:6] = 1  # what the coarse pixels cover
    dice = 2 * 12 / (12 + int(grown.sum()))
    assert compared([coarse], there, ("dice",), 2)["dice"] == [[pytest.approx(dice)]]
    assert compared([coarse], there, ("hd95_mm",), 2)["hd95_mm"][0][0] == pytest.approx(0.5)
