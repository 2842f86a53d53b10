"""NIfTI volumes with masks: by suffix, by folder, a folder per patient with several channels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch

from pixvox_registry.errors import NoData, UserError
from pixvox_registry.source_spec import build_source
from pixvox_registry.sources.nifti import Nifti

SIDES = (10, 12, 14)
HEART = {500: 1, 600: 2, 421: 2}


def save(file: Path, values: np.ndarray, mm: Any = (1, 1, 1)) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([*mm, 1.0])), file)
    return file


def volume(seed: int, sides: tuple[int, ...] = SIDES) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1000, 1000, sides).astype(np.int16)


@pytest.fixture
def hearts(tmp_path: Path) -> Path:
    """As MMWHS is unpacked; case k has k + 1 voxels of 500 and two of 421."""
    for k in range(3):
        values = np.zeros(SIDES, np.int16)
        values[3, 3, 6 : 7 + k], values[4, 4, 6:8] = 500, 421
        save(tmp_path / "ct_train" / f"ct_train_100{k}_image.nii.gz", volume(k), (1, 1, 2))
        save(tmp_path / "ct_train" / f"ct_train_100{k}_label.nii.gz", values, (1, 1, 2))
    return tmp_path / "ct_train"


@pytest.fixture
def gliomas(tmp_path: Path) -> Path:
    """As BraTS 2018 is unpacked: a folder per patient; channel c of patient p is around 100 c."""
    for p, group in enumerate(("HGG", "HGG", "LGG")):
        name = f"Brats18_{p}_1"
        folder = tmp_path / "brats" / group / name
        for c, channel in enumerate(("t1", "t1ce", "t2", "flair")):
            values = np.random.default_rng(p).uniform(100 * c, 100 * c + 9, SIDES)
            values[p + 1 :, c + 2 :, 5:] = 100 * c + 50  # from a corner that says which it is
            save(folder / f"{name}_{channel}.nii.gz", values.astype(np.float32))
        mask = np.zeros(SIDES, np.uint8)
        mask[2:4, 2:4, 2:4] = 4
        save(folder / f"{name}_seg.nii.gz", mask)
    return tmp_path / "brats"


BRATS = "image_suffix=_,channels=t1,t1ce,t2,flair,mask_suffix=_seg"


def test_pairs_by_suffix_with_labels_above_255(hearts: Path) -> None:
    line = (
        f"nifti:{hearts},volume_size=16,modality=ct,image_suffix=_image,mask_suffix=_label,"
        'labels="500=1,600=2,421=2",patient=([0-9]+)$'
    )
    source = build_source(line)
    cases = source.cases("train")
    assert cases.ids == ("ct_train_1000", "ct_train_1001", "ct_train_1002")
    assert cases.patients == ("1000", "1001", "1002") and cases.value_range == (-1.0, 1.0)
    masks = cases.masks[:]
    assert [int((mask == 1).sum()) for mask in masks] == [2, 4, 6]  # slices of 2 mm become two
    assert [int((mask == 2).sum()) for mask in masks] == [4, 4, 4]
    again = build_source(source.name)
    assert again.facts() == source.facts() and again.name == source.name
    given = Nifti(
        str(hearts),
        volume_size=16,
        modality="ct",
        image_suffix="_image",
        mask_suffix="_label",
        labels=HEART,
        patient="([0-9]+)$",
    )
    assert build_source(given.name).facts() == given.facts() == source.facts()


def test_labels_that_are_not_mapped_are_named(hearts: Path) -> None:
    pair = {"image_suffix": "_image", "mask_suffix": "_label"}
    with pytest.raises(UserError, match="label 421, which labels= does not map"):
        Nifti(str(hearts), labels="500=1", **pair).cases("train")
    with pytest.raises(UserError, match="other values than labels from 0 to 255"):
        Nifti(str(hearts), **pair).cases("train")
    for wrong in ("500:1", "500=one", "500=256", "500=-1", ""):
        with pytest.raises(UserError, match="maps labels as they are stored"):
            Nifti(str(hearts), labels=wrong, **pair).cases("train")


def test_scans_keep_their_own_spacing_or_one_that_is_asked_for(hearts: Path) -> None:
    save(hearts / "ct_train_1002_image.nii.gz", volume(2), (1, 3, 1))
    save(hearts / "ct_train_1002_label.nii.gz", np.zeros(SIDES, np.int16), (1, 3, 1))
    settings = dict(image_suffix="_image", mask_suffix="_label", labels=HEART, modality="ct")
    own = Nifti(str(hearts), spacing_mm=None, **settings).scans("train")
    assert [scan.spacing_mm for scan in own] == [(2, 1, 1), (2, 1, 1), (1, 3, 1)]
    assert own[0].image.shape == (1, 14, 12, 10) and own[0].mask.shape == (14, 12, 10)
    expected = volume(0).astype(np.float32).transpose(2, 1, 0).clip(-1000, 1000) / 1000
    assert torch.allclose(own[0].image[0].float(), torch.from_numpy(expected), atol=1e-3)
    one = Nifti(str(hearts), spacing_mm=1.0, **settings).scans("train")
    assert [scan.mask.shape for scan in one] == [(28, 12, 10), (28, 12, 10), (14, 36, 10)]
    assert {scan.spacing_mm for scan in one} == {(1.0, 1.0, 1.0)}
    assert Path(own.files[0]).name == "ct_train_1000_image.nii.gz"
    cases = Nifti(str(hearts), spacing_mm=None, volume_size=8, **settings).cases("train")
    assert cases.spacing_mm is None  # they have no common one


def test_the_truth_of_a_resampled_scan_stays_on_the_voxels_of_its_file(hearts: Path) -> None:
    spell = f"nifti:{hearts},image_suffix=_image,mask_suffix=_label,labels=500=1,421=2"
    own = build_source(f"{spell},spacing_mm=none").scans("train")
    coarse = build_source(f"{spell},spacing_mm=2").scans("train")
    for row in range(len(own)):
        assert own.truth is None and torch.equal(own.truth_of(row).mask, own[row].mask)
        truth = coarse.truth_of(row)
        assert truth.mask.shape != coarse[row].mask.shape
        assert torch.equal(truth.mask, own[row].mask)
        assert truth.spacing_mm == own[row].spacing_mm != coarse[row].spacing_mm
    last = coarse.chosen([len(own) - 1])
    assert torch.equal(last.truth_of(0).mask, own[len(own) - 1].mask)


def test_scans_have_a_digest_of_what_lies_outside_the_box_of_cases(hearts: Path) -> None:
    spell = (
        f"nifti:{hearts},image_suffix=_image,mask_suffix=_label,labels=500=1,421=2,volume_size=4"
    )
    first = build_source(spell).scans("train")
    corner = np.zeros(SIDES, np.int16)
    corner[0, 0, 0] = 500
    save(hearts / "ct_train_1000_label.nii.gz", corner, (1, 1, 2))
    then = build_source(spell).scans("train")
    assert first.sha256 is not None and then.sha256 is not None
    assert first.sha256() != then.sha256()
    assert then.sha256() == build_source(spell).scans("train").sha256()


def test_a_folder_per_patient_with_a_channel_in_each_file(gliomas: Path) -> None:
    source = build_source(f"nifti:{gliomas},spacing_mm=none,volume_size=16,{BRATS}")
    scans = source.scans("train")
    assert scans.ids == ("HGG/Brats18_0_1", "HGG/Brats18_1_1", "LGG/Brats18_2_1")
    assert scans.in_channels == 4 and source.cases("train").images.shape == (3, 4, 16, 16, 16)
    for p, scan in enumerate(scans):
        assert scan.image.shape == (4, 14, 12, 10) and scan.mask.unique().tolist() == [0, 4]
        for c in range(4):
            brightest = np.unravel_index(int(scan.image[c].argmax()), scan.image[c].shape)
            assert tuple(map(int, brightest)) == (5, c + 2, p + 1)
    assert build_source(source.name).name == source.name
    listed = Nifti(str(gliomas), image_suffix="_", channels=["t1", "t2"], mask_suffix="_seg")
    assert listed.cases("train").in_channels == 2


def test_a_change_in_any_file_of_a_case_is_seen(gliomas: Path) -> None:
    line = f"nifti:{gliomas},volume_size=16,{BRATS}"
    before = build_source(line).cases("train").images[:]
    values = volume(9).astype(np.float32)
    save(gliomas / "HGG" / "Brats18_1_1" / "Brats18_1_1_flair.nii.gz", values)
    after = build_source(line).cases("train").images[:]
    assert torch.equal(after[[0, 2]], before[[0, 2]]) and torch.equal(after[1, :3], before[1, :3])
    assert not torch.equal(after[1, 3], before[1, 3])


def test_what_is_missing_or_does_not_fit_is_named(gliomas: Path) -> None:
    line = f"nifti:{gliomas},volume_size=16,{BRATS}"
    folder = gliomas / "LGG" / "Brats18_2_1"
    save(folder / "Brats18_2_1_t2.nii.gz", volume(1, (10, 12, 13)))
    with pytest.raises(UserError, match=r"Brats18_2_1_t2\.nii\.gz lies on another grid"):
        build_source(line).cases("train")
    (folder / "Brats18_2_1_t2.nii.gz").unlink()
    with pytest.raises(UserError, match="lacks LGG/Brats18_2_1/Brats18_2_1_t2 "):
        build_source(line).cases("train")
    save(folder / "Brats18_2_1_t2.nii.gz", volume(1))
    save(folder / "Brats18_2_1_seg.nii.gz", np.zeros((10, 12, 13), np.uint8))
    with pytest.raises(UserError, match=r"13 x 12 x 10 voxels of .*, the image it belongs to 14"):
        build_source(line).cases("train")
    (folder / "Brats18_2_1_seg.nii.gz").unlink()
    with pytest.raises(UserError, match="lacks LGG/Brats18_2_1/Brats18_2_1_seg "):
        build_source(line).scans("train")


@pytest.mark.parametrize("images", ["imagesTr", ""])
def test_masks_in_a_folder_of_their_own(tmp_path: Path, images: str) -> None:
    for k in range(2):
        save(tmp_path / images / f"case_{k}.nii.gz", volume(k))
        save(tmp_path / "labelsTr" / f"case_{k}.nii", np.full(SIDES, k + 1, np.uint8))
    source = Nifti(str(tmp_path), volume_size=14, images=images, masks="labelsTr")
    cases = source.cases("train")
    assert cases.ids == ("case_0", "case_1") and cases.patients is None
    assert cases.masks[:].amax((1, 2, 3)).tolist() == [1, 2]
    assert source.facts()["sha256"] != Nifti(str(tmp_path), images=images).facts()["sha256"]


def test_a_list_that_reorders_all_cases_is_followed(hearts: Path, tmp_path: Path) -> None:
    listed = tmp_path / "splits.json"
    ids = ["ct_train_1002", "ct_train_1000", "ct_train_1001"]
    listed.write_text(json.dumps({"train": ids}))
    settings = dict(volume_size=16, image_suffix="_image", mask_suffix="_label", labels=HEART)
    turned = Nifti(str(hearts), splits=str(listed), **settings).cases("train")
    plain = Nifti(str(hearts), **settings).cases("train")
    assert turned.ids == tuple(ids)
    assert torch.equal(turned.images[:], plain.images[:][[2, 0, 1]])
    assert torch.equal(turned.masks[:], plain.masks[:][[2, 0, 1]])
    listed.write_text(json.dumps({"train": ["ct_train_1000", "ct_train_1000"]}))
    with pytest.raises(UserError, match="lists ct_train_1000, ct_train_1000 more than once"):
        Nifti(str(hearts), splits=str(listed), **settings).cases("train")


def test_a_broken_half_leaves_out_the_pair(hearts: Path) -> None:
    file = hearts / "ct_train_1001_label.nii.gz"
    file.write_bytes(file.read_bytes()[:-20])
    settings = dict(volume_size=16, image_suffix="_image", mask_suffix="_label", labels=HEART)
    with pytest.raises(UserError, match="ct_train_1001_label"):
        Nifti(str(hearts), **settings).cases("train")
    source = Nifti(str(hearts), skip_broken=True, **settings)
    assert source.cases("train").ids == ("ct_train_1000", "ct_train_1002")
    assert [int((scan.mask == 1).sum()) for scan in source.scans("train")] == [2, 6]


def test_scans_without_masks_and_data_that_is_not_there(hearts: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="asked for masks and knows of none"):
        Nifti(str(hearts)).scans("train")
    with pytest.raises(NoData, match="wants a folder"):
        Nifti(str(tmp_path / "nowhere")).cases("train")
    with pytest.raises(UserError, match="finds no patient"):
        Nifti(str(hearts), patient="^(x)").cases("train")
    with pytest.raises(UserError, match="needs a group"):
        Nifti(str(hearts), patient="ct").cases("train")


def test_a_folder_below_pixvox_data_is_found(hearts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXVOX_DATA", str(hearts.parent))
    source = build_source("nifti:ct_train,volume_size=8,image_suffix=_image")
    assert len(source.cases("train")) == 3 and source.name.startswith("nifti:ct_train,")
