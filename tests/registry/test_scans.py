"""Scans: cases in their own shapes, read when asked for, and brought back to their files."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, ornt_transform
from PIL import Image

from pixvox_registry import UserError
from pixvox_registry.geometry import restored, spacing_of
from pixvox_registry.source_spec import build_source
from pixvox_registry.volume import read_mask, whole

SIDES = (5, 7, 9)


def written(file: Path, axes: str = "RAS", mm: tuple[float, ...] = (1.0, 1.0, 1.0)) -> Path:
    """The same object in any axis order: its labels are those of its own place."""
    labels = np.arange(np.prod(SIDES), dtype=np.uint8).reshape(SIDES) % 4
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(axes))
    turned = nibabel.orientations.apply_orientation(labels, turn)
    affine = np.diag([*mm, 1.0]) @ inv_ornt_aff(turn, SIDES)
    nibabel.save(nibabel.Nifti1Image(turned, affine), file)
    return file


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SRA", "IPL", "ASR"])
def test_a_label_map_goes_back_to_the_voxels_that_it_came_from(tmp_path, axes):
    file = written(tmp_path / "a.nii.gz", axes, mm=(2.0, 1.0, 3.0))
    labels = read_mask(file, size=None, spacing_mm=None)[0]
    assert labels.shape == SIDES[::-1] and spacing_of(file) == (3.0, 1.0, 2.0)
    back, original = restored(labels, file), nibabel.load(file)
    assert np.array_equal(np.asarray(back.dataobj), np.asarray(original.dataobj))
    assert np.array_equal(back.affine, original.affine)
    assert back.header.get_zooms() == original.header.get_zooms()


def test_resampled_labels_go_back_to_the_shape_of_the_file(tmp_path):
    block = np.zeros((8, 8, 8), np.uint8)
    block[2:6, 2:6, 4:] = 1
    nibabel.save(nibabel.Nifti1Image(block, np.diag([2.0, 2, 2, 1])), tmp_path / "a.nii")
    fine = read_mask(tmp_path / "a.nii", size=None, spacing_mm=1.0)[0]
    assert fine.shape == (16, 16, 16)
    assert np.array_equal(np.asarray(restored(fine, tmp_path / "a.nii").dataobj), block)


@pytest.mark.parametrize("cut", [1, 4, 8, 9])
def test_a_volume_without_its_last_bytes_is_refused(tmp_path, cut):
    file = written(tmp_path / "whole.nii.gz")
    (tmp_path / "cut.nii.gz").write_bytes(file.read_bytes()[:-cut])
    with pytest.raises(EOFError):
        whole(tmp_path / "cut.nii.gz")


def test_labels_that_were_saved_as_scaled_bytes_come_back_exactly(tmp_path):
    labels = np.arange(1, 121, dtype=np.uint8).reshape(4, 5, 6)
    image = nibabel.Nifti1Image(labels.astype(float), np.eye(4))
    image.set_data_dtype(np.uint8)
    nibabel.save(image, tmp_path / "scaled.nii")
    assert nibabel.load(tmp_path / "scaled.nii").dataobj.slope != 1
    read = read_mask(tmp_path / "scaled.nii", size=None, spacing_mm=None)[0]
    assert np.array_equal(read.transpose(2, 1, 0), labels)


def pairs(root: Path, shapes: list[tuple[int, int]]) -> Path:
    for number, shape in enumerate(shapes):
        for sub in ("images", "masks"):
            (root / sub).mkdir(parents=True, exist_ok=True)
        grey = np.random.default_rng(number).integers(0, 256, (*shape, 3), dtype=np.uint8)
        Image.fromarray(grey).save(root / "images" / f"p{number // 2}_{number}.png")
        mask = np.zeros(shape, np.uint8)
        mask[1:3, 2:5] = 255
        Image.fromarray(mask).save(root / "masks" / f"p{number // 2}_{number}_gt.png")
    return root


def test_images_and_masks_keep_their_own_size(tmp_path):
    root = pairs(tmp_path / "set", [(20, 30), (24, 16), (20, 30)])
    (tmp_path / "splits.json").write_text(json.dumps({"train": ["p0_0", "p0_1"], "test": ["p1_2"]}))
    line = (
        f"image_mask_folder:{root},mask_suffix=_gt,patient=p([0-9]),splits={tmp_path}/splits.json"
    )
    source = build_source(line)
    scans = source.scans("train")
    assert [scan.image.shape for scan in scans] == [(3, 20, 30), (3, 24, 16)]
    assert scans.patients == ("0", "0") and source.scans("test").patients == ("1",)
    for scan in scans:
        assert scan.mask.dtype == torch.uint8 and scan.mask.sum() == 6 and scan.mask.max() == 1
    assert source.cases("train").images.shape == (2, 3, 64, 64)
    chosen = scans.chosen([1])
    assert chosen.ids == ("p0_1",) and torch.equal(chosen[0].image, scans[1].image)


def test_a_mask_that_is_missing_or_of_another_size_is_refused(tmp_path):
    root = pairs(tmp_path / "set", [(20, 30), (24, 16)])
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(root / "masks" / "p0_1_gt.png")
    with pytest.raises(UserError, match=r"p0_1\.png has"):
        build_source(f"image_mask_folder:{root},mask_suffix=_gt").scans("train")
    (root / "masks" / "p0_1_gt.png").unlink()
    with pytest.raises(UserError, match=r"no mask for p0_1\.png"):
        build_source(f"image_mask_folder:{root},mask_suffix=_gt").scans("train")


def test_reading_scans_keeps_no_data_in_memory(tmp_path):
    from pixvox_registry.decoded import decode

    files = [f"{number}.bin" for number in range(6)]
    for file in files:
        (tmp_path / file).write_bytes(b"x")
    decoded = decode(
        "test",
        tmp_path,
        files,
        lambda path: np.full((1, 8, int(path.stem) + 1), int(path.stem), np.uint8),
        dtype="uint8",
        settings={},
        skip_broken=False,
        describe=lambda path: {"number": int(path.stem)},
    )
    assert [fact["number"] for fact in decoded.facts] == list(range(6))
    for row in range(6):
        image = decoded.image(row)
        assert image.shape == (1, 8, row + 1) and (image == row).all()
        image += 1  # a reader's own copy
        assert (decoded.image(row) == row).all()
