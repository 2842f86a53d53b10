"""``pixvox data verify``: copies of an image are found however they were made, and no others."""

from __future__ import annotations

import gzip
import json
import os
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from pixvox_registry.faults.duplicates import marks_of
from pixvox_registry.faults.verify import verify

DATA = Path(os.environ.get("PIXVOX_DATA", "/nowhere"))
ORIENTATIONS = list(product(permutations(range(3)), product((1, -1), repeat=3)))


def copies(path: Path) -> list[tuple[str, tuple[str, ...]]]:
    findings = verify(path, quiet=True).findings
    return [(f.code, f.files) for f in findings if f.code.startswith("duplicate")]


def turned_about(values: np.ndarray, number: int) -> np.ndarray:
    order, signs = ORIENTATIONS[number]
    return values.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]


def naive_marks(image: np.ndarray, dims: int) -> list[float]:
    """By loops over places and planes."""
    low, high = float(image.min()), float(image.max())
    scaled = [(float(value) - low) / (high - low) for value in image.ravel()]
    marks = [sum(value**power for value in scaled) / len(scaled) for power in (1, 2, 3)]
    cube = np.array(scaled).reshape(image.shape)
    profiles = []
    for axis in range(dims):
        planes = [cube.take(place, axis) for place in range(image.shape[axis])]
        profiles.append(sum((plane.sum() / plane.size) ** 2 for plane in planes) / len(planes))
    return [*marks, *sorted(profiles)]


@pytest.mark.parametrize(("shape", "dims"), [((4, 5), 2), ((4, 5, 3), 2), ((3, 4, 5), 3)])
def test_marks_are_what_they_say(shape: tuple[int, ...], dims: int) -> None:
    images = np.random.default_rng(0).integers(-50, 50, (3, *shape)).astype(np.int16)
    assert np.allclose(marks_of(images, dims), [naive_marks(i, dims) for i in images], atol=1e-6)
    assert np.isnan(marks_of(np.full((1, 4, 4), 7), 2)).all()


@pytest.mark.parametrize("number", range(48))
def test_every_flip_and_order_of_axes_is_found(
    tmp_path: Path, store: Any, turned: Any, number: int
) -> None:
    values = np.random.default_rng(number).integers(0, 500, (6, 7, 6)).astype(np.int16)
    store(tmp_path / "a.nii", values, turned())
    store(tmp_path / "b.nii", turned_about(values, number), turned())
    store(tmp_path / "c.nii", values[::-1] + np.eye(6, dtype=np.int16)[:, None], turned())
    assert copies(tmp_path) == [("duplicate-case", ("a.nii", "b.nii"))]


def as_type(dtype: Any) -> Any:
    return lambda values: (values.astype(dtype), dtype)


RECODED = {
    "int32": as_type(np.int32),
    "float32": as_type(np.float32),
    "float64": as_type(np.float64),
    "rescaled": lambda values: (values * 2.5 + 40, np.float32),
    "rescaled and flipped": lambda values: (values[:, ::-1] / 3, np.float64),
    "all of int16, by a slope": lambda values: (values * 0.37 - 11, np.int16),
}


@pytest.mark.parametrize("how", RECODED)
def test_another_type_or_scale_hides_no_copy(study: Any, how: str) -> None:
    values, dtype = RECODED[how](np.asarray(nibabel.load(study.image(0)).dataobj))
    image = nibabel.Nifti1Image(values, study.affine)
    image.set_qform(study.affine, 1)
    image.header.set_data_dtype(dtype)
    nibabel.save(image, study.image(2))
    wanted = ("imagesTr/case_0.nii.gz", "imagesTr/case_2.nii.gz")
    assert copies(study.root) == [("duplicate-case", wanted)]


def test_another_compression_hides_no_copy(study: Any) -> None:
    content = gzip.decompress(study.image(0).read_bytes())
    study.image(2).write_bytes(gzip.compress(content, compresslevel=1, mtime=7))
    assert study.image(2).read_bytes() != study.image(0).read_bytes()
    assert [code for code, _ in copies(study.root)] == ["duplicate-case"]


def test_int16_with_slope_is_found_beside_the_values_it_stands_for(
    tmp_path: Path, store: Any, turned: Any
) -> None:
    stored = np.random.default_rng(0).integers(-1000, 1000, (6, 7, 8)).astype(np.int16)
    store(tmp_path / "a.nii", stored.astype(np.float32) * 0.37 - 11, turned())
    file = store(tmp_path / "b.nii", stored, turned())
    content = bytearray(file.read_bytes())
    content[112:120] = np.array([0.37, -11], "<f4").tobytes()
    file.write_bytes(content)
    store(tmp_path / "c.nii", -stored, turned())
    content[112:120] = np.array([-0.37, -11], "<f4").tobytes()
    (tmp_path / "d.nii").write_bytes(content)
    assert copies(tmp_path) == [
        ("duplicate-case", ("a.nii", "b.nii")),
        ("duplicate-case", ("c.nii", "d.nii")),
    ]


def test_one_voxel_makes_another_image(tmp_path: Path, store: Any, turned: Any) -> None:
    values = np.random.default_rng(0).integers(0, 2, (16, 16, 16)).astype(np.uint8)
    other = values.copy()
    other[3, 4, 5] ^= 1
    moved = np.roll(values, 1, axis=0)
    for name, image in {"a": values, "b": other, "c": moved}.items():
        store(tmp_path / f"{name}.nii", image, turned())
    assert copies(tmp_path) == []


def test_equal_marks_alone_are_no_proof(tmp_path: Path, store: Any, turned: Any) -> None:
    """The profiles of all axes and the histogram agree; the images do not."""
    one, other = np.zeros((2, 4, 4, 4), np.uint8)
    one[0, 0, 0] = one[1, 1, 0] = one[2, 2, 1] = one[3, 3, 1] = 1
    other[0, 0, 0] = other[1, 1, 1] = other[2, 2, 0] = other[3, 3, 1] = 1
    other = other[:, [0, 2, 1, 3]]
    assert np.allclose(*marks_of(np.stack([one, other]), 3))
    same_by_hand = any(
        np.array_equal(one, turned_about(other, number)) for number in range(len(ORIENTATIONS))
    )
    assert not same_by_hand
    store(tmp_path / "a.nii", one, turned())
    store(tmp_path / "b.nii", other, turned())
    assert copies(tmp_path) == []


@pytest.mark.parametrize("listed", ["splits.json", "labels.csv", "folders"])
def test_copies_across_splits_are_found_wherever_the_splits_are_told(
    tmp_path: Path, store: Any, turned: Any, listed: str
) -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 99, (5, 6, 7)).astype(np.int16) for _ in range(4)]
    images[3], images[1] = images[0][::-1], images[2].copy()
    places = ["train", "test", "test", "test"] if listed == "folders" else ["."] * 4
    for number, (image, place) in enumerate(zip(images, places, strict=True)):
        store(tmp_path / place / f"case_{number}.nii.gz", image, turned())
    if listed == "splits.json":
        splits = {"train": ["case_0"], "test": ["case_1", "case_2", "case_3.nii.gz"]}
        (tmp_path / listed).write_text(json.dumps(splits))
    if listed == "labels.csv":
        rows = [f"{n},case_{n},0,{'test' if n else 'train'}" for n in range(4)]
        (tmp_path / listed).write_text("\n".join([",image,class,split", *rows]))
    found = sorted(copies(tmp_path))
    assert [code for code, _ in found] == ["duplicate-across-splits", "duplicate-case"]
    assert [Path(file).name[5] for file in found[0][1]] in (["0", "3"], ["3", "0"])
    assert [Path(file).name[5] for file in found[1][1]] == ["1", "2"]


@pytest.mark.skipif(not (DATA / "medmnist").is_dir(), reason="PIXVOX_DATA lacks it")
def test_what_medmnist_repeats_is_what_a_search_by_bytes_finds() -> None:
    arrays = np.load(DATA / "medmnist" / "breastmnist.npz")
    seen: dict[bytes, str] = {}
    repeated = set()
    for split in ("train", "val", "test"):
        for row, image in enumerate(arrays[f"{split}_images"]):
            name = f"breastmnist.npz:{split}/{row:05d}"
            flipped = [image, image[::-1], image[:, ::-1], image[::-1, ::-1]]
            keys = {turned.tobytes() for way in flipped for turned in (way, way.T)}
            repeated |= {frozenset((seen[key], name)) for key in keys if key in seen}
            seen |= {key: name for key in keys}
    found = copies(DATA / "medmnist" / "breastmnist.npz")
    assert {frozenset(files) for _, files in found} == repeated and len(repeated) == 1
    assert [code for code, _ in found] == ["duplicate-across-splits"]
