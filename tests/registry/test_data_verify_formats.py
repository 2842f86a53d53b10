"""``pixvox data verify``: pictures and MedMNIST files, each fault planted for real."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixvox_registry.faults.verify import verify


def found(path: Path) -> set[tuple[str, str]]:
    """Codes with the file at fault."""
    return {(finding.code, finding.files[0]) for finding in verify(path, quiet=True).findings}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for number in range(3):
        colour = random.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(colour).save(tmp_path / "images" / f"p{number}.jpg")
        mask = colour[..., 0] > 128
        Image.fromarray(mask).save(tmp_path / "masks" / f"p{number}.png")
    return tmp_path


def grey(file: Path, values: Any, **settings: Any) -> None:
    Image.fromarray(np.asarray(values)).save(file, **settings)


RANDOM = np.random.default_rng(1)
PICTURES: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "cut jpeg": (
        "images/p1.jpg",
        "truncated",
        lambda file: file.write_bytes(file.read_bytes()[:-20]),
    ),
    "jpeg without its end": (
        "images/p1.jpg",
        "truncated",
        lambda file: file.write_bytes(file.read_bytes()[:-2]),
    ),
    "cut png": ("masks/p1.png", "truncated", lambda file: file.write_bytes(file.read_bytes()[:-8])),
    "text": ("images/p1.jpg", "unreadable", lambda file: file.write_text("no picture")),
    "nothing": ("images/p1.jpg", "unreadable", lambda file: file.write_bytes(b"")),
    "one grey": (
        "images/p1.jpg",
        "constant-image",
        lambda file: grey(file, np.full((20, 24), 9, np.uint8)),
    ),
    "another shape": (
        "masks/p1.png",
        "shape-mismatch",
        lambda file: grey(file, np.ones((24, 20), bool)),
    ),
    "nothing marked": (
        "masks/p1.png",
        "empty-label",
        lambda file: grey(file, np.zeros((20, 24), bool)),
    ),
    "colours": (
        "masks/p1.png",
        "rgb",
        lambda file: grey(file, RANDOM.integers(0, 9, (20, 24, 3), dtype=np.uint8)),
    ),
    "lossy": (
        "masks/p1.png",
        "lossy-label",
        lambda file: grey(file, np.eye(20, 24, dtype=np.uint8) * 255, format="JPEG"),
    ),
    "a fraction": (
        "masks/p1.png",
        "fractional-label",
        lambda file: grey(file, np.eye(20, 24, dtype=np.float32) / 2, format="TIFF"),
    ),
    "NaN": (
        "images/p1.jpg",
        "nan",
        lambda file: grey(file, np.full((20, 24), np.nan, np.float32), format="TIFF"),
    ),
    "two pages": (
        "images/p1.jpg",
        "many-frames",
        lambda file: Image.new("L", (24, 20)).save(
            file, format="TIFF", save_all=True, append_images=[Image.new("L", (24, 20))]
        ),
    ),
    "mirrored copy": (
        "images/p0.jpg",
        "duplicate-case",
        lambda file: (
            Image.open(file.with_name("p0.jpg"))
            .transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            .save(file, format="PNG")
        ),
    ),
}


@pytest.mark.parametrize("what", PICTURES)
def test_a_planted_fault_of_a_picture_is_found(pictures: Path, what: str) -> None:
    assert found(pictures) == set()
    file, code, plant = PICTURES[what]
    plant(pictures / (file if code != "duplicate-case" else "images/p1.jpg"))
    assert found(pictures) == {(code, file)}


def test_palettes_grey_colours_and_turned_photographs_are_sound(pictures: Path) -> None:
    mask = Image.fromarray(np.eye(20, 24, dtype=np.uint8)).convert("P")
    mask.putpalette([0, 0, 0, 255, 0, 0])
    mask.save(pictures / "masks" / "p0.png")
    equal = np.repeat(np.eye(20, 24, dtype=np.uint8)[..., None] * 255, 3, -1)
    grey(pictures / "masks" / "p1.png", equal)
    turned = Image.open(pictures / "images" / "p2.jpg").transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise
    turned.save(pictures / "images" / "p2.jpg", exif=exif)
    assert found(pictures) == set()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    arrays = {}
    for split in ("train", "val", "test"):
        arrays[f"{split}_images"] = random.integers(0, 256, (6, 8, 8), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(6, dtype=np.uint8)[:, None] % 2
    np.savez(tmp_path / "mine.npz", **arrays)
    return tmp_path / "mine.npz"


def rewritten(archive: Path, **changes: Any) -> Path:
    arrays = {**np.load(archive), **changes}
    np.savez(archive, **{name: array for name, array in arrays.items() if array is not None})
    return archive


def test_faults_of_an_archive(archive: Path) -> None:
    assert found(archive) == set()
    arrays = dict(np.load(archive))
    images = arrays["test_images"].copy()
    images[2] = arrays["train_images"][4].T
    images[5] = 7
    rewritten(archive, test_images=images, val_labels=None, train_labels=np.zeros((5, 1), int))
    assert found(archive) == {
        ("duplicate-across-splits", "mine.npz:train/00004"),
        ("constant-image", "mine.npz:test/00005"),
        ("missing-partner", "mine.npz"),
        ("count-mismatch", "mine.npz"),
    }
    holed = arrays["val_images"].astype(np.float32)
    holed[1, 0, 0] = np.inf
    assert ("inf", "mine.npz:val") in found(rewritten(archive, val_images=holed))


def test_a_set_of_medmnist_is_held_against_its_table(archive: Path) -> None:
    named = archive.rename(archive.with_name("breastmnist.npz"))
    assert found(named) == {("unofficial-file", named.name)}
    rewritten(named, val_labels=np.full((6, 1), 2, np.uint8))
    assert found(named) == {("unofficial-file", named.name), ("undeclared-label", named.name)}


def test_a_damaged_archive_is_told(archive: Path) -> None:
    whole = archive.read_bytes()
    with zipfile.ZipFile(archive) as members:
        start = members.getinfo("test_images.npy").header_offset + 300
    archive.write_bytes(whole[:start] + bytes([whole[start] ^ 1]) + whole[start + 1 :])
    assert found(archive) == {("unreadable", "mine.npz")}
    archive.write_bytes(whole[:-100])
    assert found(archive) == {("unreadable", "mine.npz")}
    pickled = np.array([{"a": 1}], dtype=object)
    archive.write_bytes(whole)
    assert found(rewritten(archive, test_images=pickled)) == {("unreadable", "mine.npz")}
    np.savez(archive, other=np.zeros(3))
    assert found(archive) == {("unreadable", "mine.npz")}
