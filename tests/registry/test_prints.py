"""Prints: copies are found without the images, whatever was done to them; strangers are not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.typing import NDArray
from safetensors.numpy import save_file

from pixvox_registry import UserError, likeness, prints
from pixvox_registry.cases import Cases
from pixvox_registry.likeness import ALIKE, best_likeness, copies
from pixvox_registry.prints import NONE, Prints, exact_print, near_print
from pixvox_registry.scans import Scan, Scans
from pixvox_registry.source_spec import build_source

DATA = Path(os.environ.get("PIXVOX_DATA", "/nowhere"))
Image = NDArray[Any]


def image_of(dims: int, seed: int = 0, channels: int = 1, side: int = 12) -> Image:
    shape = (channels, side, side + 1, side + 2)[: dims + 1]
    return np.random.default_rng(seed).integers(0, 200, shape).astype(np.uint8)


def turns_of(image: Image) -> list[Image]:
    """The naive list: every order of axes and every flip."""
    dims = image.ndim - 1
    return [
        image.transpose(0, *order)[(slice(None), *[slice(None, None, way) for way in ways])]
        for order in permutations(range(1, dims + 1))
        for ways in product((1, -1), repeat=dims)
    ]


REENCODED: dict[str, Callable[[Image], Image]] = {
    "int16": lambda x: x.astype(np.int16),
    "float16": lambda x: x.astype(np.float16),
    "slope and intercept": lambda x: x.astype(np.float32) * np.float32(0.37) - 1024,
    "to one": lambda x: x / 255,
    "half to one": lambda x: (x / 255).astype(np.float16),
    "wide": lambda x: x.astype(np.int32) * 100_000,
    "colour": lambda x: np.repeat(x, 3, axis=0),
    "not contiguous": lambda x: np.asfortranarray(x),
}


@pytest.mark.parametrize("how", REENCODED)
@pytest.mark.parametrize("dims", [2, 3])
def test_a_copy_in_any_type_scale_and_order_of_axes_has_the_same_print(how: str, dims: int) -> None:
    image = image_of(dims)
    for turned in turns_of(image):
        assert exact_print(REENCODED[how](turned)) == exact_print(image) != NONE


@pytest.mark.parametrize("dims", [2, 3])
def test_images_whose_profiles_tie_are_turned_in_every_way(dims: int) -> None:
    side = 4
    image = np.zeros((1, *[side] * dims), np.uint8)
    image[(0, *[0] * dims)] = image[(0, *[side - 1] * dims)] = 2  # each profile is its own reverse
    image[(0, 1, *[2] * (dims - 1))] = image[(0, 2, *[1] * (dims - 1))] = 1
    assert len({exact_print(turned) for turned in turns_of(image)}) == 1


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_zero_has_no_sign(kind: type) -> None:
    image = image_of(2).astype(kind) - 100
    image[0, :2] = 0
    other = image.copy()
    other[0, 0] = kind(-0.0)
    assert np.signbit(other[0, 0]).all() and not np.signbit(other[0, 1]).any()
    assert exact_print(other) == exact_print(image)


def test_colours_in_another_order_are_another_image() -> None:
    image = image_of(2, channels=3)
    assert exact_print(image) != exact_print(image[::-1])


@given(some.integers(0, 11), some.integers(0, 12), some.integers(1, 50))
@settings(max_examples=50, deadline=None)
def test_one_changed_pixel_makes_another_exact_print(row: int, column: int, change: int) -> None:
    image = image_of(2)
    other = image.copy()
    other[0, row, column] += change
    ranked = [np.unique(x, return_inverse=True)[1].ravel().tolist() for x in (image, other)]
    assert (exact_print(other) == exact_print(image)) == (ranked[0] == ranked[1])


@pytest.mark.parametrize("value", [0, 7, np.nan, np.inf])
def test_what_shows_nothing_is_a_copy_of_nothing(value: float) -> None:
    flat = np.full((1, 12, 12), value, np.float32)
    lot = Prints.of([flat, flat], 2)
    assert lot.exact.tolist() == [NONE, NONE]
    found = copies(lot, lot)
    assert not found.exact.any() and not found.near.any()


@pytest.mark.parametrize("text", ["phantoms:shapes_2d,count=96", "phantoms:shapes_3d,count=96"])
def test_a_case_in_another_size_turned_and_rescaled_is_near_and_strangers_are_not(
    text: str,
) -> None:
    cases = build_source(text).cases("train")
    ours = cases.resized(20)
    turned = replace(ours, images=(ours.images.transpose(2, 3).flip(2).float() * 3 + 5))
    found = copies(Prints.of_cases(turned), Prints.of_cases(cases))
    assert np.mean(found.near | found.exact) >= 0.95  # noise of single pixels goes with the size
    alone = best_likeness(Prints.of_cases(cases), Prints.of_cases(cases), but_itself=True)
    assert np.mean(alone >= ALIKE) < 0.05


def test_likeness_is_the_best_correlation_over_all_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Prints.of([image_of(2, seed) for seed in range(5)], 2)
    theirs = Prints.of([image_of(2, seed, side=17) for seed in range(5, 12)], 2)
    naive = [
        max(
            np.corrcoef(turn.ravel(), other)[0, 1]
            for other in theirs.near.astype(float)
            for turn in turns_of(one.reshape(1, 12, 12).astype(float))
        )
        for one in ours.near
    ]
    for piece in (2, 4096):
        monkeypatch.setattr(likeness, "PIECE", piece)
        np.testing.assert_allclose(best_likeness(ours, theirs), naive, atol=1e-6)
        assert (best_likeness(ours, ours) > 1 - 1e-5).all()
        assert (best_likeness(ours, ours, but_itself=True) < 0.9).all()


def test_the_near_print_pools_equal_areas_and_takes_the_blur_away() -> None:
    image = image_of(2, side=24)[..., :24]  # areas of 2 x 2
    coarse = image[0].reshape(12, 2, 12, 2).mean((1, 3))
    padded = np.pad(coarse, 1, mode="edge")
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    blurred = sum(kernel[i, j] * padded[i : i + 12, j : j + 12] for i in range(3) for j in range(3))
    detail = coarse - blurred
    detail -= detail.mean()
    wanted = np.rint(detail / np.abs(detail).max() * 127).ravel()
    assert near_print(image).tolist() == wanted.tolist()


def test_scans_of_differing_shapes_are_printed_like_cases() -> None:
    images = [torch.from_numpy(image_of(3, seed, side=8 + seed)) for seed in range(3)]
    scans = Scans(
        read=lambda row: Scan(id=str(row), image=images[row], mask=images[row][0], spacing_mm=None),
        ids=("0", "1", "2"),
        dims=3,
        in_channels=1,
    )
    of_scans = Prints.of_cases(scans)
    for row, image in enumerate(images):
        of_cases = Prints.of_cases(Cases(images=image[None], ids=("x",)))
        assert of_cases.exact[0] == of_scans.exact[row]
        assert (of_cases.near[0] == of_scans.near[row]).all()


def test_prints_of_several_sources_are_kept_by_dims_with_the_same_bytes(tmp_path: Path) -> None:
    lots = [Prints.of([image_of(dims, seed)], dims) for dims, seed in ((2, 0), (3, 1), (2, 2))]
    held = prints.joined(lots)
    assert {dims: len(lot) for dims, lot in held.items()} == {2: 2, 3: 1}
    for name in ("one", "two"):
        prints.write(tmp_path / name, held)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    back = prints.read(tmp_path / "one")
    assert back is not None
    for dims, lot in held.items():
        assert (back[dims].exact == lot.exact).all() and (back[dims].near == lot.near).all()


def test_files_that_hold_no_prints_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "cases.safetensors"
    with pytest.raises(UserError, match="does not hold prints"):
        prints.read(file)
    file.write_bytes(b"{}")
    with pytest.raises(UserError, match="does not hold prints"):
        prints.read(file)
    exact, near = np.zeros(2, np.uint64), np.zeros((3, 144), np.int8)
    scheme = {"scheme": prints.SCHEME}
    save_file({"exact_2d": exact, "near_2d": near}, file, metadata=scheme)
    with pytest.raises(UserError, match="not of the same cases"):
        prints.read(file)
    save_file({"names": exact}, file, metadata=scheme)
    with pytest.raises(UserError, match="also holds names"):
        prints.read(file)
    save_file({"exact_2d": exact}, file, metadata={"scheme": "of the future"})
    assert prints.read(file) is None


@pytest.mark.skipif(not (DATA / "medmnist").is_dir(), reason="PIXVOX_DATA lacks it")
def test_the_known_copy_of_breastmnist_is_found() -> None:
    source = build_source("medmnist:breastmnist")
    breast = {split: source.cases(split) for split in ("train", "test")}
    train, test = (Prints.of_cases(cases) for cases in breast.values())
    found = copies(test, train)
    assert [breast["test"].ids[row] for row in np.flatnonzero(found.exact)] == ["test/00076"]
    twin = np.flatnonzero(copies(train, test).exact)
    assert [breast["train"].ids[row] for row in twin] == ["train/00115"]
