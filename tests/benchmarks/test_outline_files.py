"""Files of outlines: any order of axes, any depth, and every fault refused with its file."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from pixvox_benchmarks.outline_file import read_outline
from pixvox_benchmarks.outline_folder import read_outlines
from pixvox_benchmarks.predictions import save
from pixvox_benchmarks.task_line import task_of
from pixvox_registry.scans import Scan, Scans

from .odd_axes import SIDES, SPACING_MM, pixvox, published, turned

pytestmark = pytest.mark.usefixtures("lent")


def test_any_order_of_axes_is_the_same_outline(scanned: Path, tmp_path: Path) -> None:
    scans = task_of("odd_axes").scans("test")
    labels = scans.truth_of(1).mask.numpy().transpose(2, 1, 0)
    orders = [
        "".join(picked) for axes in permutations(("LR", "PA", "IS")) for picked in product(*axes)
    ]
    assert len(orders) == 48
    for axes in orders:
        for dtype in (np.uint8, np.float32):
            file = tmp_path / "mask.nii"
            nibabel.save(turned(labels.astype(dtype), axes), file)
            found = read_outline(file, scans, 1)
            assert np.array_equal(found, scans.truth_of(1).mask.numpy()), axes


def moved(file: Path, change: Callable[[Any], Any]) -> None:
    """Another affine under the same voxels."""
    image = nibabel.load(file)
    affine = change(image.affine.copy())
    voxels = np.asarray(image.dataobj)
    nibabel.save(nibabel.Nifti1Image(voxels, affine), file)


def refilled(file: Path, change: Callable[[Any], Any], dtype: Any = np.float32) -> None:
    """Other voxels under the same affine."""
    image = nibabel.load(file)
    voxels = change(np.asarray(image.dataobj).astype(dtype))
    nibabel.save(nibabel.Nifti1Image(voxels, image.affine), file)


def rewritten(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def with_corner(value: float) -> Callable[[Any], Any]:
    def change(voxels: Any) -> Any:
        voxels[0, 0, 0] = value
        return voxels

    return change


def rotation(affine: Any) -> Any:
    turn, angle = np.eye(4), np.radians(2)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ affine


def colours(voxels: Any) -> Any:
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    return np.zeros(voxels.shape, rgb)


SHIFT = np.array([[0, 0, 0, 1.0], [0] * 4, [0] * 4, [0] * 4])
VOLUME_FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "sides": (lambda f: refilled(f, lambda v: v[1:]), "8 x 10 x 11 voxels of 2 x 1.5 x 1 mm, the "),
    "spacing": (lambda f: moved(f, lambda a: a @ np.diag([1.01, 1, 1, 1])), "1.01 mm, the image"),
    "shift": (lambda f: moved(f, lambda a: a + SHIFT), "up to 1 voxels (1 mm) from those of its"),
    "rotation": (lambda f: moved(f, rotation), "its affine is [[0.99"),
    "flip": (
        lambda f: moved(f, lambda a: np.diag([-1, 1, 1, 1]) @ a),
        "from those of its original",
    ),
    "no affine": (lambda f: moved(f, lambda a: np.diag([*SPACING_MM, 1])), "from those of its"),
    "no label": (
        lambda f: refilled(f, with_corner(3)),
        "the value 3; labels are 0, 1 organ, 2 nei",
    ),
    "negative": (lambda f: refilled(f, with_corner(-1)), "other values than labels from 0 to 255"),
    "soft": (lambda f: refilled(f, with_corner(0.5)), "other values than labels from 0 to 255"),
    "nan": (lambda f: refilled(f, with_corner(np.nan)), "NaN or infinity"),
    "colours": (lambda f: refilled(f, colours), "no plain numbers"),
    "channels": (lambda f: refilled(f, lambda v: np.stack([v, v], -1)), "is no volume"),
    "cut": (lambda f: rewritten(f, f.read_bytes()[:-8]), "EOFError"),
    "no nifti": (lambda f: rewritten(f, gzip.compress(b"label")), "ImageFileError"),
}


@pytest.mark.parametrize("name", VOLUME_FAULTS)
def test_a_volume_that_is_no_label_map_of_its_original_is_refused(
    name: str, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault, said = VOLUME_FAULTS[name]
    moved(drawn / "p" / "c4.nii.gz", lambda affine: affine + 0.02 * SHIFT)  # rounding, no fault
    file = drawn / "p" / "c6.nii.gz"
    nibabel.save(turned(np.ones(SIDES, np.uint8), "RAS"), file)
    assert pixvox(drawn, "--task", "odd_axes", "--out", tmp_path / "x.csv") == 0
    capsys.readouterr()
    fault(file)
    assert pixvox(drawn, "--task", "odd_axes", "--out", tmp_path / "y.csv") == 1
    told = capsys.readouterr()
    assert told.out == "" and not (tmp_path / "y.csv").exists()
    assert "1 of 4 files" in told.err and "p/c6.nii.gz (" in told.err
    assert said in told.err


def picture(file: Path, mode: str, value: int, sides: tuple[int, int] = (32, 32)) -> None:
    Image.new(mode, sides, value).save(file)


PICTURE_FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "sides": (lambda f: picture(f, "L", 1, (30, 32)), "32 x 30 pixels, its original 32 x 32"),
    "colours": (lambda f: picture(f, "RGB", 1), "a picture of mode RGB"),
    "no label": (lambda f: picture(f, "L", 255), "the value 255; labels are 0, 1 organ, 2 nei"),
    "deep": (lambda f: picture(f, "I;16", 257), "other values than labels from 0 to 255"),
    "no png": (lambda f: rewritten(f, b"label"), "UnidentifiedImageError"),
}


@pytest.mark.parametrize("name", PICTURE_FAULTS)
def test_a_picture_that_is_no_label_map_of_its_original_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault, said = PICTURE_FAULTS[name]
    published("phantom_organs_2d", tmp_path)
    fault(tmp_path / "test" / "00003.png")
    assert pixvox(tmp_path, "--task", "phantom_organs_2d") == 1
    told = capsys.readouterr()
    assert told.out == "" and "1 of 64 files" in told.err and "test/00003.png (" in told.err
    assert said in told.err


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16"])
def test_a_picture_of_any_depth_that_holds_labels_is_read(mode: str, tmp_path: Path) -> None:
    scans = task_of("phantom_organs_2d").scans("test")
    picture(tmp_path / "x.png", mode, 1)
    found = read_outline(tmp_path / "x.png", scans, 0)
    assert found.dtype == np.uint8 and (found == 1).all() and found.shape == (32, 32)


def test_whatever_a_case_is_called_its_file_is_found(tmp_path: Path) -> None:
    mask = torch.ones(4, 5, 6, dtype=torch.uint8)
    scan = Scan(id="", image=mask[None], mask=mask, spacing_mm=(3.0, 2.0, 1.0))
    ids = ("a/scan.nii.gz", "../b", "/abs/c.nii", "d.v1", "e.gz")
    scans = Scans(read=lambda row: scan, ids=ids, dims=3, in_channels=1)
    save([mask * (row % 2) for row in range(5)], scans, tmp_path / "drawn")
    found = read_outlines(tmp_path / "drawn", scans, ("organ",))
    assert [int(found[row].max()) for row in range(5)] == [0, 1, 0, 1, 0]
