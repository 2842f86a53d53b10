"""Views that pose a task: masks, distortions, turns, positions, and several in turn."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from pixvox_registry import VIEWS, UserError
from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_zoo.patches import cut, joined
from pixvox_zoo.views_in_turn import InTurn

DRAWS = Draws(seed=0, step=3, batch=8)
QUIET = dict.fromkeys(("curve", "shuffle", "paint", "outside"), 0.0)


def cases(dims: int, *, channels: int = 2, size: int = 12) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(8, channels, *[size] * dims, generator=generator)


def some(dims: int, name: str, **settings: Any) -> list[View]:
    make = VIEWS.build(name, dims=dims, image_size=12, **settings)
    views: list[View] = make(cases(dims), DRAWS)
    return views


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("block_mask", {"patch": 3}),
        ("distort", {"cell": 4}),
        ("volume_positions", {"flips": (0,)}),
    ],
)
def test_rows_of_two_processes_are_those_of_one(
    dims: int, name: str, settings: dict[str, Any]
) -> None:
    make, images = VIEWS.build(name, dims=dims, image_size=12, **settings), cases(dims)
    whole = make(images, DRAWS)
    for half in (slice(0, 4), slice(4, 8)):
        draws = Draws(seed=0, step=3, batch=8, rows=half)
        for mine, of_all in zip(make(images[half], draws), whole, strict=True):
            torch.testing.assert_close(mine.image, of_all.image[half])
            if mine.mask is not None:
                assert torch.equal(mine.mask, of_all.mask[half])
            for label, told in mine.labels.items():
                assert torch.equal(told, of_all.labels[label][half])


@pytest.mark.parametrize("dims", [2, 3])
def test_patches_come_apart_and_together(dims: int) -> None:
    images = cases(dims)
    pieces = cut(images, (4,) * dims)
    assert pieces.shape == (8, 4**dims, 2 * 3**dims)
    corner = (slice(None), slice(None), *[slice(0, 3)] * dims)
    assert torch.equal(pieces[:, 0], images[corner].flatten(1))
    assert torch.equal(joined(pieces, (4,) * dims, 3), images)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("block", [1, 2])
def test_block_mask_hides_as_many_blocks_of_every_case(dims: int, block: int) -> None:
    (view,) = some(dims, "block_mask", patch=3, block=block, share=0.75)
    assert view.mask is not None
    assert view.mask.shape == (8, *[4] * dims)
    assert set(view.mask.flatten(1).sum(1).tolist()) == {round(0.75 * 4**dims)}
    of_blocks = view.mask[(slice(None), *[slice(None, None, block)] * dims)]
    for axis in range(1, dims + 1):
        of_blocks = of_blocks.repeat_interleave(block, axis)
    assert torch.equal(of_blocks, view.mask)
    assert not torch.equal(view.mask[0], view.mask[1])


def test_blocks_are_cut_at_the_edges() -> None:
    (view,) = some(2, "block_mask", patch=3, block=3, share=0.5)
    assert view.mask is not None and view.mask.shape == (8, 4, 4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"patch": None}, "Take vit"),
        ({"patch": 5}, "do not fill 12"),
        ({"patch": 6, "share": 0.05}, "would hide 0 of 4"),
    ],
)
def test_masks_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        some(2, "block_mask", **settings)


@pytest.mark.parametrize("dims", [2, 3])
def test_each_distortion_does_what_it_says(dims: int) -> None:
    images = cases(dims)
    (still,) = some(dims, "distort", chances=QUIET)
    assert torch.equal(still.image, images)

    (bent,) = some(dims, "distort", chances={**QUIET, "curve": 1.0})
    assert bent.original is not None and torch.equal(bent.original, images)
    for before, after in zip(images.flatten(1), bent.image.flatten(1), strict=True):
        order = after[before.argsort()].diff()  # a curve keeps or turns round the order
        assert bool((order > -1e-4).all()) or bool((order < 1e-4).all())
        torch.testing.assert_close(after.amax(), before.amax())

    (mixed,) = some(dims, "distort", shuffled=1.0, chances={**QUIET, "shuffle": 1.0})
    assert not torch.equal(mixed.image, images)
    cells = [cut(x, (3,) * dims).unflatten(2, (2, -1)) for x in (images, mixed.image)]
    assert torch.equal(cells[0].sort(3).values, cells[1].sort(3).values)

    (painted,) = some(dims, "distort", chances={**QUIET, "paint": 1.0})
    (framed,) = some(dims, "distort", chances={**QUIET, "paint": 1.0, "outside": 1.0})
    for view, least, most in ((painted, 0.02, 0.6), (framed, 0.1, 0.98)):
        hidden = view.image != images
        assert least < float(hidden.float().mean()) < most
        for row, where in zip(view.image, hidden, strict=True):
            assert len(row[where].unique()) <= 1  # one value per case


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"chances": {"curv": 1.0}}, "Did you mean 'curve'"),
        ({"chances": {"curve": 1.5}}, "from 0 to 1"),
        ({"cell": 5}, "5 px"),
        ({"box": (0.5, 0.2)}, "box two shares"),
    ],
)
def test_distortions_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        some(2, "distort", **settings)


@pytest.mark.parametrize(("dims", "turns"), [(2, 4), (3, 10)])
def test_rotations_are_what_their_label_says(dims: int, turns: int) -> None:
    many = torch.randn(400, 1, *[3] * dims, generator=torch.Generator().manual_seed(0))
    views = VIEWS.build("rotate", dims=dims, views=2)(many, Draws(0, 0, 400))
    planes = [(a, b) for a in range(2, 2 + dims) for b in range(a + 1, 2 + dims)]
    meant = [(0, planes[0]), *((k, plane) for plane in planes for k in (1, 2, 3))]
    assert len(meant) == turns
    assert not torch.equal(views[0].labels["rotation"], views[1].labels["rotation"])
    for view in views:
        label = view.labels["rotation"]
        assert sorted(set(label.tolist())) == list(range(turns))
        for row in range(400):
            k, plane = meant[int(label[row])]
            assert torch.equal(view.image[row], many[row : row + 1].rot90(k, plane)[0])


def test_what_is_not_square_is_not_turned() -> None:
    with pytest.raises(UserError, match="squares or cubes"):
        VIEWS.build("rotate", dims=2)(torch.zeros(2, 1, 4, 6), Draws(0, 0, 2))


@pytest.mark.parametrize("dims", [2, 3])
def test_positions_are_the_overlap_of_boxes(dims: int) -> None:
    views = some(dims, "volume_positions", grid=3, random_views=2, flips=(0,))
    crops, bases = views[:2], views[2:]
    assert [view.role for view in views] == ["online"] * 2 + ["target"] * 3**dims
    assert {view.image.shape for view in views} == {(8, 2, *[4] * dims)}
    for number, corner in enumerate(product(range(3), repeat=dims)):
        box = (slice(None), slice(None), *[slice(4 * c, 4 * c + 4) for c in corner])
        torch.testing.assert_close(bases[number].image, cases(dims)[box])
    for crop in crops:
        assert crop.frame is not None
        torch.testing.assert_close(crop.labels["overlap"].sum(1), torch.ones(8))
        for row in range(8):
            for number, base in enumerate(bases):
                assert base.frame is not None
                share = 1.0
                for axis in range(dims):
                    ends = [
                        (float(f[row, axis, -1]) - 1 / 3, float(f[row, axis, -1]) + 1 / 3)
                        for f in (crop.frame, base.frame)
                    ]
                    share *= max(0.0, min(e[1] for e in ends) - max(e[0] for e in ends)) * 1.5
                assert math.isclose(share, float(crop.labels["overlap"][row, number]), abs_tol=1e-5)


def test_a_grid_of_one_is_refused() -> None:
    with pytest.raises(UserError, match="grid from 2 to 12"):
        some(2, "volume_positions", grid=1)


@pytest.mark.parametrize("dims", [2, 3])
def test_views_in_turn_add_up(dims: int) -> None:
    turned = VIEWS.build("rotate", dims=dims, views=2)
    masked = VIEWS.build("distort", dims=dims, image_size=12, chances={**QUIET, "paint": 1.0})
    both = InTurn([turned, masked])
    assert both.num_targets == 2 and set(both.provides) == {"labels", "original"}
    assert both.num_classes == turned.num_classes
    first = turned(cases(dims), DRAWS)
    views = both(cases(dims), DRAWS)
    for before, after in zip(first, views, strict=True):
        assert after.original is not None and torch.equal(after.original, before.image)
        assert torch.equal(after.labels["rotation"], before.labels["rotation"])
        assert not torch.equal(after.image, before.image)
    painted = [view.image != view.original for view in views]
    assert not torch.equal(painted[0], painted[1])  # each view draws boxes of its own


def test_steps_that_would_leave_something_behind_are_refused() -> None:
    distort = VIEWS.build("distort", dims=2, image_size=12)
    with pytest.raises(UserError, match="moves pixels, and the original"):
        InTurn([distort, VIEWS.build("rotate", dims=2)])
    with pytest.raises(UserError, match="makes several views"):
        InTurn([distort, VIEWS.build("two_crops", dims=2, image_size=12)])
