"""What a volume's values become: slope, intercept, channels, windows; and what is cut."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from pixvox_registry import UserError
from pixvox_registry.modality import kind_of, of_ct, of_mr, scaled
from pixvox_registry.volume import canonical, grid_of, mask_of, opened, read_volume, whole

SIDES = (6, 7, 8)


def stored(file: Path, values: np.ndarray, slope: float, inter: float) -> Path:
    """int16 whose header brings the values back."""
    image = nibabel.Nifti1Image(np.round((values - inter) / slope).astype(np.int16), np.eye(4))
    image.header.set_slope_inter(slope, inter)
    nibabel.save(image, file)
    return file


@pytest.mark.parametrize(("slope", "inter"), [(1.0, -1024.0), (0.25, 3.5), (2.0, 0.0)])
def test_slope_and_intercept_give_the_values_of_the_float_reference(tmp_path, slope, inter):
    counts = np.random.default_rng(0).integers(-500, 3000, SIDES)
    reference = counts * np.float64(slope) + np.float64(inter)
    nibabel.save(nibabel.Nifti1Image(reference.astype(np.float32), np.eye(4)), tmp_path / "f.nii")
    ours, _ = canonical(opened(stored(tmp_path / "i.nii", reference, slope, inter)))
    theirs, _ = canonical(opened(tmp_path / "f.nii"))
    assert ours.min() < 0  # air
    assert np.abs(ours - theirs).max() <= 1e-6 * np.abs(reference).max()
    assert np.allclose(ours[0].transpose(2, 1, 0), reference, rtol=1e-6, atol=0)


def test_hounsfield_units_below_zero_survive(tmp_path: Path) -> None:
    values = np.linspace(-1000, 1000, 8 * 8 * 8).reshape(8, 8, 8)
    file = stored(tmp_path / "ct.nii.gz", values, 1.0, -1024.0)
    seen = read_volume(file, size=None, spacing_mm=None, modality="ct")[0].astype(float)
    assert np.allclose(seen.transpose(2, 1, 0), np.round(values) / 1000, atol=1e-3)
    assert (seen < 0).mean() == pytest.approx(0.5, abs=0.01)
    narrow = read_volume(file, size=None, spacing_mm=None, modality="ct:-200:200")[0]
    assert (narrow == -1).mean() == pytest.approx(0.4, abs=0.01) == (narrow == 1).mean()


def test_a_compressed_volume_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 9, (5, 5, 5)).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "whole.nii.gz")
    content = (tmp_path / "whole.nii.gz").read_bytes()
    whole(tmp_path / "whole.nii.gz")
    for kept in range(0, len(content), 3):
        (tmp_path / "cut.nii.gz").write_bytes(content[:kept])
        with pytest.raises(Exception):  # noqa: B017 - gzip, zlib and nibabel each raise their own
            canonical(whole(tmp_path / "cut.nii.gz"))


def test_each_channel_has_the_scale_of_its_own_modality() -> None:
    drawn = np.random.default_rng(0)
    mr = drawn.normal(500, 90, SIDES).astype(np.float32)
    ct = drawn.uniform(-1200, 1200, SIDES).astype(np.float32)
    both = scaled(np.stack([mr, ct]), ("mr", "ct"))
    assert np.allclose(both[0], of_mr(mr)) and np.allclose(both[1], 3 * of_ct(ct), atol=1e-5)
    other = scaled(np.stack([ct, mr]), ("ct", "mr"))
    assert np.allclose(other[0], of_ct(ct)) and np.allclose(other[1], of_mr(mr) / 3, atol=1e-5)


@pytest.mark.parametrize("wrong", ["us", "mr:0:1", "ct:3", "ct:5:5", "ct:a:b", "ct:1:2:3", ""])
def test_a_modality_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(UserError, match=r"modality is mr|No modality is called"):
        kind_of(wrong)


def test_a_grid_is_that_of_canonical_axes(tmp_path: Path) -> None:
    for axes in ("RAS", "LPI", "SRA", "IPL", "ASR"):
        turn = nibabel.orientations.axcodes2ornt(tuple(axes))
        image = nibabel.Nifti1Image(np.zeros(SIDES, np.uint8), np.diag([1.0, 2, 3, 1]))
        nibabel.save(image.as_reoriented(turn), tmp_path / "x.nii")
        read = opened(tmp_path / "x.nii")
        voxels, spacings = canonical(read)
        assert grid_of(read) == (voxels.shape[1:], tuple(spacings)) == (SIDES[::-1], (3, 2, 1))


def test_labels_above_255_are_mapped_and_a_strange_one_is_named() -> None:
    values = np.zeros(SIDES, np.int16)
    values[0], values[1], values[2] = 205, 420, 850
    image = nibabel.Nifti1Image(values, np.eye(4))
    with pytest.raises(UserError, match="other values than labels from 0 to 255"):
        mask_of(image, size=None, spacing_mm=None)
    with pytest.raises(UserError, match="holds the label 850, which labels= does not map"):
        mask_of(image, size=None, spacing_mm=None, labels={205: 1, 420: 2})
    mapped = mask_of(image, size=None, spacing_mm=None, labels={205: 3, 420: 1, 850: 0, 500: 9})
    seen = mapped[0].transpose(2, 1, 0)  # [X, Y, Z] again
    assert [set(plane.ravel().tolist()) for plane in seen] == [{3}, {1}, {0}, {0}, {0}, {0}]


def test_a_mask_of_another_grid_than_its_image_is_refused() -> None:
    mask = nibabel.Nifti1Image(np.zeros(SIDES, np.uint8), np.eye(4))
    for sides, mm, said in (((6, 7, 9), 1.0, "8 x 7 x 6 voxels"), (SIDES, 1.1, "1.1 x 1 x 1 mm")):
        image = nibabel.Nifti1Image(np.zeros(sides, np.uint8), np.diag([1, 1, mm, 1.0]))
        with pytest.raises(UserError, match=said):
            mask_of(mask, size=None, spacing_mm=None, like=image)
