"""Contact sheets: what stands in a strip, and how many strips stand side by side."""

import numpy as np
import pytest
import torch

from pixvox_registry.cases import Cases
from pixvox_registry.contact_sheet import SLICES, Window, _columns, draw_sheet, strips_of


def cases(shape, dtype=torch.uint8, **more):
    ids = tuple(f"train/{n}" for n in range(shape[0]))
    return Cases(images=(torch.rand(shape) * 200).to(dtype), ids=ids, **more)


def test_a_volume_is_slices_and_its_views_stand_below():
    some = cases((2, 1, 20, 6, 7), masks=torch.ones(2, 20, 6, 7, dtype=torch.uint8))
    view = torch.rand(2, 1, 5, 6, 7)
    strips = strips_of(some, views=[view, view])
    assert [len(strip.tiles) for strip in strips] == [SLICES, 5, 5] * 2
    assert [strip.faint for strip in strips] == [False, True, True] * 2
    shown = [tile[..., 0] for tile in strips[0].tiles]
    depths = [int((n + 0.5) / SLICES * 20) for n in range(SLICES)]
    assert all(
        np.allclose(tile, some.images[0, 0, depth] / 255)
        for tile, depth in zip(shown, depths, strict=True)
    )
    assert len(strips[0].masks) == SLICES


def test_views_of_an_image_stand_beside_it():
    some = cases((2, 3, 8, 8))
    strips = strips_of(some, views=[some.images.float()])
    assert [len(strip.tiles) for strip in strips] == [2, 2]
    assert strips[0].tiles[0].shape == (8, 8, 3)
    assert np.allclose(*strips[0].tiles)


def test_labels_are_named():
    several = {"class_0": torch.tensor([1, 0]), "class_2": torch.tensor([1, 0])}
    names = ("mass", "edema", "hernia")
    assert [s.label for s in strips_of(cases((2, 1, 8, 8), labels=several), names)] == [
        "mass, hernia",
        "",
    ]
    single = {"class": torch.tensor([1, 5])}
    assert [s.label for s in strips_of(cases((2, 1, 8, 8), labels=single), names)] == ["edema", "5"]


@pytest.mark.parametrize("dtype", [torch.int16, torch.float16, torch.float32])
def test_other_types_are_shown_over_their_own_range(dtype):
    images = torch.arange(-1000, 1000).view(1, 1, 40, 50).to(dtype)
    window = Window.of(images)
    assert -1000 < window.low < -970 and 980 < window.high < 1000
    assert Window.of(torch.zeros(1, 1, 8, 8)).high > 0  # a constant image divides by no zero


@pytest.mark.parametrize(
    ("number", "wanted", "columns"),
    [(16, 4.9, 4), (1, 1.2, 1), (24, 6.0, 6), (7, 3.2, 4), (2, 9, 2)],
)
def test_few_places_stay_empty(number, wanted, columns):
    assert _columns(number, wanted) == columns


def test_masks_leave_a_mark():
    mask = torch.zeros(1, 16, 16, dtype=torch.uint8)
    mask[:, 4:9, 4:9] = 3
    images = torch.zeros(1, 1, 16, 16, dtype=torch.uint8)
    sheets = [
        draw_sheet(strips_of(Cases(images=images, ids=("a",), masks=m)), "title")
        for m in (None, torch.zeros_like(mask), mask)
    ]
    assert sheets[0] == sheets[1] != sheets[2]
