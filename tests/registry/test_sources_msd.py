"""The Decathlon's layout: what dataset.json lists, with masks that lie on their volumes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch

from pixvox_registry import SOURCES, TASKS, UserError
from pixvox_registry.errors import NoData
from pixvox_registry.places import data_root

SIDES = (10, 12, 14)


def unpack(root: Path, *, cases: int = 3, zooms: Any = (1, 1, 1), axes: str = "RAS") -> Path:
    """A task whose case k has a bright block of 2, 3, 4, ... voxels a side, and a mask on it."""
    folder = root / "Task99_Toy"
    listed = []
    turn = nibabel.orientations.axcodes2ornt(tuple(axes))
    for k in range(cases):
        mask = np.zeros(SIDES, np.uint8)
        mask[2 : 4 + k, 3 : 5 + k, 4 : 6 + k] = 1 + k % 2
        volume = np.random.default_rng(k).normal(size=SIDES).astype(np.float32) + 9.0 * (mask > 0)
        for kind, voxels in (("imagesTr", volume), ("labelsTr", mask)):
            file = folder / kind / f"case_{k}.nii.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            image = nibabel.Nifti1Image(voxels, np.diag([*zooms, 1.0]))
            nibabel.save(image.as_reoriented(turn), file)
        listed.append(
            {"image": f"./imagesTr/case_{k}.nii.gz", "label": f"./labelsTr/case_{k}.nii.gz"}
        )
    described = {"licence": "CC0", "modality": {"0": "MRI"}, "training": listed}
    (folder / "dataset.json").write_text(json.dumps(described))
    (folder / "imagesTr" / "stray.nii.gz").write_bytes(b"no volume")
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PIXVOX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data"


def build(**settings: Any) -> Any:
    return SOURCES.build("msd", "Task99_Toy", volume_size=16, **settings)


@pytest.mark.parametrize("axes", ["RAS", "LPI", "SAR"])
def test_masks_lie_on_their_volumes_in_any_order_of_axes(root: Path, axes: str) -> None:
    unpack(root, axes=axes)
    cases = build().cases("train")
    assert cases.ids == ("case_0", "case_1", "case_2")
    assert cases.images.shape == (3, 1, 16, 16, 16) and cases.masks is not None
    for image, mask in zip(cases.images[:][:, 0].float(), cases.masks[:], strict=True):
        inside, outside = image[mask > 0], image[mask == 0]
        assert inside.min() >= outside.max() and inside.mean() > outside.mean() + 2
    assert cases.labels["volume_mm3"].tolist() == [8, 27, 64]
    assert cases.masks[:].amax((1, 2, 3)).tolist() == [1, 2, 1]


def test_volumes_are_in_mm(root: Path) -> None:
    unpack(root, zooms=(2, 2, 2))
    cases = build(spacing_mm=1.0).cases("train")
    assert cases.labels["volume_mm3"].tolist() == [8 * 8, 27 * 8, 64 * 8]
    assert cases.masks is not None and cases.masks[:].unique().tolist() == [0, 1, 2]


def test_splits_are_those_of_the_list(root: Path) -> None:
    folder = unpack(root)
    assert build().splits == ("train",)
    (folder / "splits.json").write_text('{"train": ["case_2", "case_0"], "test": ["case_1"]}')
    source = build()
    assert source.splits == ("train", "test")
    assert source.cases("train").ids == ("case_2", "case_0")
    assert source.cases("train").labels["volume_mm3"].tolist() == [64, 8]
    assert source.facts()["sha256"] != build(spacing_mm=2.0).facts()["sha256"]
    (folder / "splits.json").write_text('{"train": ["case_9"]}')
    with pytest.raises(UserError, match="lists case_9, which"):
        build().cases("train")


def test_what_is_missing_is_named(root: Path) -> None:
    with pytest.raises(NoData, match=r"dataset\.json cannot be read"):
        build().cases("train")
    folder = unpack(root)
    (folder / "dataset.json").write_text('{"training": []}')
    with pytest.raises(UserError, match="lists no training cases"):
        build().cases("train")


def channels_of(root: Path, modality: dict[str, str], mm: Any = (1, 1, 1)) -> Path:
    """The task again, its volumes with a channel for each modality, from 0 to 100 c and more."""
    folder = unpack(root, cases=2, zooms=mm)
    described = json.loads((folder / "dataset.json").read_text())
    labels = {"0": "background", "2": "TZ", "1": "PZ"}
    (folder / "dataset.json").write_text(
        json.dumps({**described, "modality": modality, "labels": labels})
    )
    for k in range(2):
        drawn = np.random.default_rng(k).uniform(0, 100, (*SIDES, len(modality)))
        drawn[2:4, 3:5, 4:6] += 100 * np.arange(1, 1 + len(modality))
        image = nibabel.Nifti1Image(drawn.astype(np.float32), np.diag([*mm, 1.0]))
        nibabel.save(image, folder / "imagesTr" / f"case_{k}.nii.gz")
    return folder


def test_modalities_of_a_task_become_channels(root: Path) -> None:
    channels_of(root, {"1": "ADC", "0": "T2"})
    source = build()
    assert source.channels == ("T2", "ADC") and source.structures == ("PZ", "TZ")
    cases = source.cases("train")
    assert cases.images.shape == (2, 2, 16, 16, 16) and cases.value_range == (-3.0, 3.0)
    scans = source.scans("train")
    assert scans.in_channels == 2 and scans[0].image.shape == (2, *SIDES[::-1])
    for scan in scans:
        for channel in scan.image.float():  # each standardised by itself
            assert abs(float(channel.mean())) < 0.05 and abs(float(channel.std()) - 1) < 0.05
            assert channel[scan.mask > 0][:8].max() > channel[scan.mask == 0].mean() + 1


def test_ct_is_windowed_and_stands_beside_mr_on_one_scale(root: Path) -> None:
    channels_of(root, {"0": "CT"})
    assert build().cases("train").value_range == (-1.0, 1.0)
    alone = build().scans("train")[0].image
    channels_of(root, {"0": "MRI", "1": "CT"})
    both = build().scans("train")
    assert both.value_range == (-3.0, 3.0) and both[0].image[1].min() >= 0.0
    assert alone.min() >= 0.0 and 0.6 < both[0].image[1].max() <= 3 * 0.3
    assert alone.max() <= 0.2


def test_channels_that_are_not_there_are_refused(root: Path) -> None:
    folder = channels_of(root, {"0": "T2", "1": "ADC"})
    described = json.loads((folder / "dataset.json").read_text())
    for modality in ({"0": "T2"}, {"0": "T2", "1": "ADC", "2": "DWI"}):
        (folder / "dataset.json").write_text(json.dumps({**described, "modality": modality}))
        with pytest.raises(UserError, match=r"shape \(10, 12, 14, 2\), and is no volume"):
            build().cases("train")
    (folder / "dataset.json").write_text(json.dumps({**described, "modality": ["T2"]}))
    with pytest.raises(UserError, match="must number its modalities"):
        build().cases("train")


def test_spacing_is_kept_where_none_is_asked_for(root: Path) -> None:
    unpack(root, zooms=(2, 1, 3))
    source = build(spacing_mm=None)
    cases = source.cases("train")
    assert cases.spacing_mm == (3.0, 1.0, 2.0)
    assert cases.labels["volume_mm3"].tolist() == [8 * 6, 27 * 6, 64 * 6]
    assert source.scans("train")[0].spacing_mm == (3.0, 1.0, 2.0)
    assert source.name == "msd:Task99_Toy,volume_size=16,spacing_mm=none"


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ([{"image": "./imagesTr/case_0.nii.gz"}], "each entry must name an image and a label"),
        (["./imagesTr/case_0.nii.gz"], "each entry must name an image and a label"),
        ([{"image": "../case_0.nii.gz", "label": "x.nii"}], "outside its folder"),
        ([{"image": "/etc/passwd", "label": "x.nii"}], "outside its folder"),
    ],
)
def test_entries_that_name_no_pair_of_the_folder_are_refused(root, training, said):
    folder = unpack(root, cases=1)
    described = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**described, "training": training}))
    with pytest.raises(UserError, match=said):
        build().cases("train")


def test_a_mask_of_other_sides_is_refused(root: Path) -> None:
    folder = unpack(root, cases=1)
    file = folder / "labelsTr" / "case_0.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((10, 12, 13), np.uint8), np.eye(4)), file)
    with pytest.raises(UserError, match=r"13 x 12 x 10 voxels of .*, the image it belongs to 14"):
        build().cases("train")


def test_a_mask_of_other_values_is_refused(root: Path) -> None:
    folder = unpack(root, cases=1)
    file = folder / "labelsTr" / "case_0.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.full(SIDES, 0.5, np.float32), np.eye(4)), file)
    with pytest.raises(UserError, match="other values than labels"):
        build().cases("train")


def test_the_hippocampus_task_halves_train_and_keeps_splits_apart() -> None:
    if not (data_root() / "Task04_Hippocampus").is_dir():
        pytest.skip("PIXVOX_DATA has no Task04_Hippocampus")
    task = TASKS.build("hippocampus_volume")
    train, val, test = (task.cases(split) for split in ("train", "val", "test"))
    assert [len(cases) for cases in (train, val, test)] == [128, 32, 40]
    assert train.labels["class"].float().mean() == 0.5
    sizes = torch.cat([(c.masks[:] > 0).flatten(1).sum(1) for c in (train, val, test)])  # type: ignore[operator]
    classes = torch.cat([c.labels["class"] for c in (train, val, test)])
    assert sizes[classes == 1].min() > sizes[classes == 0].max()


def test_a_listed_case_that_is_not_there_is_named(root: Path) -> None:
    (unpack(root) / "labelsTr" / "case_1.nii.gz").unlink()
    with pytest.raises(UserError, match=r"case_1\.nii\.gz is listed and cannot be read"):
        build().cases("train")
