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
    for image, mask in zip(cases.images[:, 0].float(), cases.masks, strict=True):
        inside, outside = image[mask > 0], image[mask == 0]
        assert inside.min() >= outside.max() and inside.mean() > outside.mean() + 2
    assert cases.labels["volume_mm3"].tolist() == [8, 27, 64]
    assert cases.masks.amax((1, 2, 3)).tolist() == [1, 2, 1]


def test_volumes_are_in_mm(root: Path) -> None:
    unpack(root, zooms=(2, 2, 2))
    cases = build(spacing_mm=1.0).cases("train")
    assert cases.labels["volume_mm3"].tolist() == [8 * 8, 27 * 8, 64 * 8]
    assert cases.masks is not None and cases.masks.unique().tolist() == [0, 1, 2]


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
    with pytest.raises(UserError, match="lists \\['case_9'\\]"):
        build().cases("train")


def test_what_is_missing_is_named(root: Path) -> None:
    with pytest.raises(UserError, match=r"dataset\.json cannot be read"):
        build().cases("train")
    folder = unpack(root)
    (folder / "dataset.json").write_text('{"training": []}')
    with pytest.raises(UserError, match="lists no training cases"):
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
    sizes = torch.cat([(c.masks > 0).flatten(1).sum(1) for c in (train, val, test)])  # type: ignore[operator]
    classes = torch.cat([c.labels["class"] for c in (train, val, test)])
    assert sizes[classes == 1].min() > sizes[classes == 0].max()
