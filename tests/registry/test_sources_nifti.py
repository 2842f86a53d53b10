"""NIfTI volumes: axes, spacing, scale and box; broken files named; splits of a list."""

from __future__ import annotations

import json
import os
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch

from pixvox_registry import UserError
from pixvox_registry.modality import of_ct, of_mr
from pixvox_registry.source_spec import build_source
from pixvox_registry.sources.nifti import Nifti
from pixvox_registry.volume import boxed, read_volume

DATA = Path(os.environ.get("PIXVOX_DATA", "/nowhere"))


def brain(shape: tuple[int, int, int] = (10, 12, 14), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 1000, shape).astype(np.int16)


def save(file: Path, voxels: np.ndarray, zooms: Any = (1, 1, 1), affine: Any = None) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*zooms, 1.0]) if affine is None else affine
    nibabel.save(nibabel.Nifti1Image(voxels, affine), file)
    return file


def read(file: Path, **changes: Any) -> np.ndarray:
    settings = {"size": 14, "spacing_mm": 1.0, "modality": "mr", **changes}
    return read_volume(file, **settings)


def test_every_order_of_axes_gives_the_same_volume(tmp_path: Path) -> None:
    voxels, zooms = brain(), np.array([1.0, 2.0, 3.0])
    plain = read(save(tmp_path / "plain.nii.gz", voxels, zooms), spacing_mm=None)
    for number, (order, signs) in enumerate(
        product(permutations(range(3)), product((1, -1), repeat=3))
    ):
        turned = voxels.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]
        affine = np.zeros((4, 4))
        affine[3, 3] = 1
        for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
            affine[world, axis] = sign * zooms[world]
            affine[world, 3] = 0 if sign > 0 else (voxels.shape[world] - 1) * zooms[world]
        file = save(tmp_path / f"{number}.nii", turned, affine=affine)
        assert np.array_equal(read(file, spacing_mm=None), plain)


def test_slices_from_inferior_to_superior_come_first(tmp_path: Path) -> None:
    voxels = np.zeros((4, 5, 6), np.float32)
    voxels += np.arange(6) + 1  # the third axis of a RAS volume runs upwards
    seen = read(save(tmp_path / "x.nii", voxels), size=6)[0]
    means = seen[:, 1:4, 1:4].mean((1, 2))
    assert (np.diff(means) >= 0).all() and means[0] < means[2] < means[4]


def test_voxels_get_one_spacing(tmp_path: Path) -> None:
    voxels = np.zeros((6, 6, 3), np.float32)
    voxels[2:4, 2:4, 1] = 100.0
    seen = read(save(tmp_path / "x.nii", voxels, (1, 1, 4)), size=12)[0].astype(float)
    inside = seen - seen.min() > 0.5 * (seen.max() - seen.min())
    extent = [np.ptp(axis) + 1 for axis in inside.nonzero()]
    assert extent[0] in (3, 4, 5) and extent[1:] == [2, 2]


def test_scales_of_mr_and_ct() -> None:
    voxels = brain().astype(np.float32) + 500
    voxels[:3] = 0
    scaled = of_mr(voxels)
    inside = scaled[voxels > 0]
    assert abs(inside.mean()) < 1e-4 and abs(inside.std() - 1) < 1e-4
    assert not of_mr(np.full((3, 3, 3), 7.0, np.float32)).any()
    hounsfield = np.array([-3000.0, -1000.0, 0.0, 500.0, 1000.0, 3000.0], np.float32)
    assert of_ct(hounsfield).tolist() == [-1.0, -1.0, 0.0, 0.5, 1.0, 1.0]


def test_the_middle_fills_the_box() -> None:
    voxels = np.arange(5 * 8 * 6, dtype=np.float32).reshape(5, 8, 6)
    box = boxed(voxels, 6)
    assert np.array_equal(box[:5], voxels[:, 1:7]) and not box[5].any()


def test_a_folder_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        save(tmp_path / "scans" / f"case_{number}.nii.gz", brain(seed=number))
    source = build_source(f"nifti:{tmp_path / 'scans'},volume_size=16")
    first = source.cases("train")
    assert first.images.shape == (3, 1, 16, 16, 16) and first.images.dtype == torch.float16
    assert first.spacing_mm == (1.0, 1.0, 1.0) and first.ids[0] == "case_0.nii.gz"
    monkeypatch.setattr("pixvox_registry.volumes.volume_of", pytest.fail)
    assert torch.equal(source.cases("train").images[:], first.images[:])
    assert build_source(source.name).facts() == source.facts()


@pytest.mark.parametrize("modality", ["mr", "ct"])
def test_values_lie_between_black_and_white(tmp_path: Path, modality: str) -> None:
    save(tmp_path / "scans" / "case.nii.gz", np.random.default_rng(0).normal(0, 300, (12,) * 3))
    source = build_source(f"nifti:{tmp_path / 'scans'},volume_size=12,modality={modality}")
    cases = source.cases("train")
    low, high = cases.value_range
    images = cases.images[:]
    inside = (images >= low) & (images <= high)
    assert inside.float().mean() > 0.99
    assert images.max() - images.min() > 0.5 * (high - low)


def test_splits_of_a_list_keep_their_cases_apart(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / "scans" / f"case_{number}.nii.gz", brain(seed=number))
    listed = tmp_path / "splits.json"
    listed.write_text(json.dumps({"train": ["case_2", "case_0"], "test": ["case_3.nii.gz"]}))
    source = Nifti(str(tmp_path / "scans"), volume_size=14, splits=str(listed))
    assert source.splits == ("train", "test")
    assert source.cases("train").ids == ("case_2.nii.gz", "case_0.nii.gz")
    before = source.facts()["sha256"]
    listed.write_text(json.dumps({"train": ["case_2", "case_1"], "test": ["case_3.nii.gz"]}))
    assert source.facts()["sha256"] != before  # other cases are other data
    whole = Nifti(str(tmp_path / "scans"), volume_size=14).cases("train")
    assert torch.equal(source.cases("test").images[0], whole.images[3])
    listed.write_text(json.dumps({"train": ["case_9"]}))
    with pytest.raises(UserError, match="lists case_9"):
        source.cases("train")
    listed.write_text("[]")
    with pytest.raises(UserError, match="must map names"):
        source.cases("train")


def test_broken_files_are_named(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    good = save(scans / "good.nii.gz", brain())
    (scans / "cut.nii.gz").write_bytes(good.read_bytes()[:-200])
    save(scans / "film.nii", brain((4, 4, 4))[..., None].repeat(3, -1))
    nan = brain().astype(np.float32)
    nan[0, 0, 0] = np.nan
    save(scans / "nan.nii", nan)
    save(scans / "waves.nii", brain().astype(np.complex64))
    with pytest.raises(UserError, match="4 of 5") as refusal:
        Nifti(str(scans)).cases("train")
    for words in ("cut.nii.gz", "is no volume", "NaN or infinity", "no plain numbers"):
        assert words in str(refusal.value)
    assert Nifti(str(scans), skip_broken=True).cases("train").ids == ("good.nii.gz",)
    with pytest.raises(UserError, match="modality"):
        Nifti(str(scans), modality="us", skip_broken=True).cases("train")


@pytest.mark.skipif(not (DATA / "Task04_Hippocampus").is_dir(), reason="PIXVOX_DATA lacks it")
def test_hippocampus_volumes_are_read() -> None:
    root = DATA / "Task04_Hippocampus"
    text = f"nifti:{root / 'imagesTr'},splits={root / 'splits.json'}"
    train, test = (build_source(text).cases(split) for split in ("train", "test"))
    assert len(train) == 160 and len(test) == 40 and not set(train.ids) & set(test.ids)
    assert train.images.shape[1:] == (1, 48, 48, 48)
    inside = train.images[:].float().flatten(1)
    assert bool((inside.std(1) > 0.3).all()) and bool(inside.isfinite().all())
