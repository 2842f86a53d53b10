"""Each family of tasks on files in its layout: what is read, how it splits, what labels it has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pixvox_benchmarks.task_line import task_of
from pixvox_registry import UserError
from pixvox_registry.medmnist_table import table
from pixvox_registry.split_rule import by_rule

SPLITS = ("train", "val", "test")
SIDES = (8, 9, 10)  # of a volume, X, Y and Z


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PIXVOX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data"


def save(file: Path, voxels: NDArray[Any], mm: float = 2.0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([mm, mm, mm, 1.0])), file)


def labelled(seed: int, labels: Sequence[int]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A volume, and a mask that has a block of each label."""
    mask = np.zeros(SIDES, np.int16)
    for k, label in enumerate(labels):
        mask[k : k + 1, 2:6, 3 : 7 + seed % 3] = label
    return np.random.default_rng(seed).normal(size=SIDES).astype(np.float32), mask


def official(root: Path, flag: str, size: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A small file of a set, whose md5 is taken for the official one."""
    entry, chance = table().sets[flag], np.random.default_rng(0)
    several = entry.task.startswith("multi-label")
    held = {}
    for split in SPLITS:
        side = (size,) * entry.dims + ((3,) if entry.channels == 3 else ())
        held[f"{split}_images"] = chance.integers(0, 256, (28, *side)).astype(np.uint8)
        labels = np.arange(28)[:, None] % len(entry.classes)
        marks = (labels == np.arange(len(entry.classes))).astype(np.uint8)
        held[f"{split}_labels"] = marks if several else labels.astype(np.uint8)
    file = root / "medmnist" / (f"{flag}.npz" if size == 28 else f"{flag}_{size}.npz")
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **held)
    md5 = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setitem(entry.md5, str(size), md5)
    return held


@pytest.mark.parametrize(("line", "channels"), [("bloodmnist:64", 3), ("vesselmnist3d:64", 1)])
def test_medmnist_in_another_size(
    root: Path, line: str, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = line.partition(":")[0]
    held = official(root, flag, 64, monkeypatch)
    task: Any = task_of(line)
    cases = task.cases("val")
    assert cases.images.shape == (28, channels, *(64,) * task.dims)
    assert cases.labels["class"].tolist() == held["val_labels"][:, 0].tolist()
    small = official(root, flag, 28, monkeypatch)
    assert task_of(flag).cases("val").images.shape[-1] == small["val_images"].shape[2] == 28
    assert task_of(flag).fingerprint() != task.fingerprint()


def test_chestmnist_has_fourteen_labels_in_their_order(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = official(root, "chestmnist", 28, monkeypatch)
    task: Any = task_of("chestmnist")
    target = task.target(task.cases("test"))
    assert target.shape == (28, 14) and task.labels[13] == "hernia"
    assert torch.equal(target, torch.from_numpy(held["test_labels"]).long())


def decathlon(
    root: Path, folder: str, cases: int, labels: Sequence[int], modalities: Sequence[str]
) -> Path:
    training = []
    for k in range(cases):
        volume, mask = labelled(k, labels)
        if len(modalities) > 1:
            volume = np.stack([volume + 100 * c for c in range(len(modalities))], -1)
        names = [f"{part}/case_{k:02d}.nii.gz" for part in ("imagesTr", "labelsTr")]
        for name, voxels in zip(names, (volume, mask), strict=True):
            save(root / folder / name, voxels)
        training.append({"image": f"./{names[0]}", "label": f"./{names[1]}"})
    told = {
        "licence": "CC-BY-SA 4.0",
        "modality": {str(k): name for k, name in enumerate(modalities)},
        "labels": {"0": "background", **{str(label): f"label {label}" for label in labels}},
        "training": training,
        "test": ["./imagesTs/case_99.nii.gz"],
    }
    (root / folder / "dataset.json").write_text(json.dumps(told))
    return root / folder


def ids_of(task: Any) -> dict[str, set[str]]:
    ids = {split: task.scans(split).ids for split in SPLITS}
    assert sum(map(len, ids.values())) == len(set().union(*ids.values()))
    return {split: set(found) for split, found in ids.items()}


def held_labels(task: Any) -> set[int]:
    return {int(label) for split in SPLITS for s in task.scans(split) for label in s.mask.unique()}


def test_a_decathlon_task_is_shared_out_by_its_names(root: Path) -> None:
    folder = decathlon(root, "Task09_Spleen", 20, [1], ["CT"])
    task: Any = task_of("msd_spleen")
    ids = ids_of(task)
    names = [f"case_{k:02d}" for k in range(20)]
    assert ids == {s: set(found) for s, found in by_rule(names, rule="Task09_Spleen").items()}
    assert held_labels(task) == {0, 1}
    scan = task.scans("test")[0]
    assert scan.spacing_mm == (2.0,) * 3 and scan.image.shape == (1, *scan.mask.shape)
    task.check_masks()
    print_before = task.fingerprint()
    told = json.loads((folder / "dataset.json").read_text())
    told["training"].reverse()
    (folder / "dataset.json").write_text(json.dumps(told))
    assert ids_of(task_of("msd_spleen")) == ids
    assert len(print_before) == 64
    (folder / "splits.json").write_text('{"train": ["case_00"], "test": ["case_01"]}')
    with pytest.raises(UserError, match="brings test of its own"):
        task_of("msd_spleen").scans("train")


def test_modalities_of_a_decathlon_task_are_channels(root: Path) -> None:
    decathlon(root, "Task01_BrainTumour", 8, [1, 2, 3], ["FLAIR", "T1w", "t1gd", "T2w"])
    task: Any = task_of("msd_brain_tumour")
    assert task.scans("train").in_channels == 4 and task.scans("train")[0].image.shape[0] == 4
    assert held_labels(task) == {0, 1, 2, 3} == set(range(task.labels))


def test_a_label_that_the_task_does_not_name_is_refused(root: Path) -> None:
    decathlon(root, "Task09_Spleen", 8, [1, 2], ["CT"])
    task: Any = task_of("msd_spleen")
    with pytest.raises(UserError, match=r"has the labels 1 to 1 \(spleen\); .* also has 2"):
        task.check_masks()


STORED = (205, 420, 500, 550, 600, 820, 850)
HEART_A = {"val": {1004, 1007, 1013}, "test": {1002, 1010, 1012, 1019}}
HEART_B = {"val": {1004, 1007, 1013}, "test": {1003, 1006, 1012, 1015}}


def whole_hearts(root: Path, modality: str, odd: Mapping[int, int] | None = None) -> None:
    """20 pairs; in those of ``odd`` the second label is another."""
    for number in range(1001, 1021):
        labels = list(STORED)
        labels[1] = (odd or {}).get(number, labels[1])
        volume, mask = labelled(number, labels)
        stem = root / "mmwhs" / f"{modality}_train" / f"{modality}_train_{number}"
        save(stem.with_name(f"{stem.name}_image.nii.gz"), volume, 1.5)
        save(stem.with_name(f"{stem.name}_label.nii.gz"), mask, 1.5)


@pytest.mark.parametrize("modality", ["ct", "mr"])
@pytest.mark.parametrize(("what", "lists"), [("left_atrium", HEART_A), ("heart", HEART_B)])
def test_whole_hearts_are_split_by_the_published_numbers(
    root: Path, modality: str, what: str, lists: Mapping[str, set[int]]
) -> None:
    whole_hearts(root, modality, {1002: 421})
    task: Any = task_of(f"mmwhs_{modality}_{what}")
    numbers = {s: {int(case[-4:]) for case in ids} for s, ids in ids_of(task).items()}
    assert numbers == {"train": set(range(1001, 1021)) - lists["val"] - lists["test"], **lists}
    assert task.scans("test").patients == tuple(case[-4:] for case in task.scans("test").ids)
    assert held_labels(task) == set(range(8 if what == "heart" else 2))
    assert task.scans("train").value_range == ((-1, 1) if modality == "ct" else (-3, 3))


def test_the_atrium_is_the_atrium_under_either_number(root: Path) -> None:
    whole_hearts(root, "ct", {1002: 421})
    for scan in task_of("mmwhs_ct_left_atrium").scans("test"):  # type: ignore[attr-defined]
        _, stored = labelled(int(scan.id[-4:]), STORED)
        inside = torch.from_numpy((stored == 420).transpose(2, 1, 0).copy())
        assert torch.equal(scan.mask == 1, inside)


def test_an_unknown_label_of_a_heart_is_refused(root: Path) -> None:
    whole_hearts(root, "mr", {1019: 999})
    with pytest.raises(UserError, match="999"):
        task_of("mmwhs_mr_heart").scans("train")  # type: ignore[attr-defined]


def test_brats_is_the_whole_tumour_in_four_sequences_apart_by_patient(root: Path) -> None:
    for k in range(12):
        grade = "HGG" if k % 3 else "LGG"
        name = f"Brats18_2013_{k}_1"
        volume, mask = labelled(k, [1, 2, 4])
        sequences = {"t1": 1, "t1ce": 2, "t2": 3, "flair": 4}
        for sequence, power in sequences.items():
            file = root / "brats2018" / grade / name / f"{name}_{sequence}.nii.gz"
            save(file, np.abs(volume) ** power)
        save(root / "brats2018" / grade / name / f"{name}_seg.nii.gz", mask)
    task: Any = task_of("brats2018_whole_tumour")
    ids = ids_of(task)
    names = [f"Brats18_2013_{k}_1" for k in range(12)]
    patients = {split: set(task.scans(split).patients) for split in SPLITS}
    assert patients == {s: set(found) for s, found in by_rule(names, rule="brats2018").items()}
    scan = task.scans("test")[0]
    assert scan.image.shape[0] == 4 and held_labels(task) == {0, 1}
    number = int(scan.id.split("_")[2])
    stored = labelled(number, [1, 2, 4])[1].transpose(2, 1, 0)
    assert torch.equal(scan.mask, torch.from_numpy((stored > 0).astype(np.uint8)))
    peaks = [float(channel.float().max()) for channel in scan.image]
    assert peaks == sorted(peaks), "t1, t1ce, t2, flair: higher powers have higher peaks"
    grades = root / "brats2018"
    (grades / "HGG").rename(grades / "all")
    moved = {s: {i.split("/")[1] for i in found} for s, found in ids_of(task_of(task.name)).items()}
    assert moved == {s: {i.split("/")[1] for i in found} for s, found in ids.items()}
