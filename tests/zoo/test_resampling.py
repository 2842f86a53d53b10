"""Crops as matrices: against naive loops, torch's own resampling, and the grid of turned crops."""

import math

import pytest
import torch
from torch.nn import functional

from pixvox_zoo import affine
from pixvox_zoo.resampling import crops, gaussian, grown, turned_crops


def whole(images):
    dims = images.ndim - 2
    return torch.eye(dims, dims + 1).repeat(len(images), 1, 1)


def frame_of(side, centre, shape, angles=None):
    side, centre = torch.tensor(side), torch.tensor(centre)
    dims = side.shape[-1]
    turn = affine.rotation(torch.zeros(len(side), math.comb(dims, 2)), dims)
    if angles is not None:
        turn = affine.rotation(torch.tensor(angles), dims)
    return affine.frames(side, centre, turn, shape)


def naive_crop(image, side, centre, size):
    """[H, W] -> [size, size], pixel by pixel; borders repeat."""
    height, width = image.shape
    out = torch.empty(size, size)
    for i in range(size):
        for j in range(size):
            places = []
            for k, extent, axis in ((i, height, 0), (j, width, 1)):
                case = centre[axis] + side[axis] * ((2 * k + 1) / size - 1)
                places.append(min(max(((case + 1) * extent - 1) / 2, 0), extent - 1))
            y, x = places
            y0, x0 = min(int(y), height - 2), min(int(x), width - 2)
            v, u = y - y0, x - x0
            out[i, j] = (
                (1 - v) * (1 - u) * image[y0, x0]
                + (1 - v) * u * image[y0, x0 + 1]
                + v * (1 - u) * image[y0 + 1, x0]
                + v * u * image[y0 + 1, x0 + 1]
            )
    return out


@pytest.mark.parametrize("shape", [(9, 9), (6, 6, 6)])
def test_the_whole_case_at_its_own_size_is_the_case(shape):
    images = torch.randn(3, 2, *shape)
    assert torch.equal(crops(images, whole(images), shape[0]), images)
    torch.testing.assert_close(
        turned_crops(images, whole(images), shape[0]), images, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("shape", [(8, 8), (9, 9), (6, 6, 6)])
def test_a_negative_side_mirrors_exactly(shape):
    images = torch.randn(2, 1, *shape)
    frame = whole(images)
    frame[1, 0, 0] = -1
    seen = crops(images, frame, shape[0])
    assert torch.equal(seen[0], images[0])
    assert torch.equal(seen[1], images[1].flip(1))


def test_a_crop_equals_the_naive_loop_in_every_row_and_channel():
    images = torch.randn(2, 3, 10, 12)
    side, centre = [[0.5, -0.7], [0.6, 0.3]], [[0.5, 0.1], [-0.4, 0.7]]
    seen = crops(images, frame_of(side, centre, (10, 12)), 14)
    for row in range(2):
        for channel in range(3):
            wanted = naive_crop(images[row, channel], side[row], centre[row], 14)
            torch.testing.assert_close(seen[row, channel], wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [8, 15, 40])
def test_the_whole_case_resized_equals_interpolate(size):
    images = torch.randn(2, 1, 20, 30)
    wanted = functional.interpolate(images, (size, size), mode="bilinear", antialias=True)
    torch.testing.assert_close(crops(images, whole(images), size), wanted, atol=1e-5, rtol=0)


def test_a_crop_with_whole_pixels_is_a_slice():
    images = torch.randn(1, 1, 8, 8, 8)
    frame = frame_of([[0.5, 0.5, 0.5]], [[0.5, -0.5, 0.0]], (8, 8, 8))
    assert torch.equal(crops(images, frame, 4), images[:, :, 4:, :4, 2:6])


def test_a_volume_constant_along_depth_gives_the_image_in_every_slice():
    images = torch.randn(2, 1, 9, 9)
    volumes = images.unsqueeze(2).expand(-1, -1, 9, -1, -1)
    side, centre, sigma = [[0.4, 0.6], [0.7, -0.5]], [[0.2, 0.1], [0.0, 0.3]], [[0.8, 0.5], [0, 1]]
    flat = crops(images, frame_of(side, centre, (9, 9)), 7, torch.tensor(sigma))
    deep_frame = frame_of([[0.9, *s] for s in side], [[0.0, *c] for c in centre], (9, 9, 9))
    deep = crops(volumes, deep_frame, 7, torch.tensor([[0.6, *s] for s in sigma]))
    torch.testing.assert_close(deep, flat.unsqueeze(2).expand_as(deep), atol=1e-5, rtol=0)


@pytest.mark.parametrize("dims", [2, 3])
def test_both_ways_agree_where_nothing_is_turned(dims):
    images = torch.randn(4, 2, *[9] * dims)
    side = (0.3 + 0.6 * torch.rand(4, dims)).tolist()
    frame = frame_of(side, (0.1 * torch.rand(4, dims)).tolist(), [9] * dims)
    sigma = torch.rand(4, dims)
    torch.testing.assert_close(
        crops(images, frame, 9, sigma), turned_crops(images, frame, 9, sigma), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize("shape", [(7, 7), (5, 7)])
def test_a_quarter_turn_turns_pixels_and_not_the_box(shape):
    images = torch.randn(1, 1, *shape)
    frame = frame_of([[1.0, 1.0]], [[0.0, 0.0]], shape, angles=[[math.pi / 2]])
    if shape[0] == shape[1]:
        seen = turned_crops(images, frame, 7)
        torch.testing.assert_close(seen, images.rot90(-1, (2, 3)), atol=1e-5, rtol=0)
    # the middle of the view's right edge shows what lies as many pixels away along the other axis
    reach = frame[0, :, 1] * torch.tensor(shape)  # in half pixels
    torch.testing.assert_close(reach, torch.tensor([-float(shape[1]), 0.0]), atol=1e-5, rtol=0)


def test_a_turned_volume_turns_in_each_plane():
    images = torch.randn(1, 1, 5, 5, 5)
    for plane, axes in enumerate([(2, 3), (2, 4), (3, 4)]):
        angles = [[math.pi / 2 if plane == p else 0.0 for p in range(3)]]
        frame = frame_of([[1.0] * 3], [[0.0] * 3], (5, 5, 5), angles)
        seen = turned_crops(images, frame, 5)
        torch.testing.assert_close(seen, images.rot90(-1, axes), atol=1e-5, rtol=0)


def test_gaussian_equals_its_formula_and_none_is_the_identity():
    sigma, size = torch.tensor([0.0, 0.4, 3.0]), 6
    seen = gaussian(sigma, size)
    torch.testing.assert_close(seen[0], torch.eye(size), atol=1e-30, rtol=0)
    for row in (1, 2):
        for i in range(size):
            weight = [math.exp(-0.5 * ((i - j) / float(sigma[row])) ** 2) for j in range(size)]
            wanted = torch.tensor([w / sum(weight) for w in weight])
            torch.testing.assert_close(seen[row, i], wanted, atol=1e-6, rtol=0)


def test_only_blurred_rows_are_blurred_and_all_ways_agree():
    images, sigma = torch.randn(4, 1, 8, 8), torch.tensor([[0.0, 0], [1, 1], [0, 0], [0.5, 2]])
    everywhere = crops(images, whole(images), 8, sigma)
    some = crops(images, whole(images), 8, sigma, torch.tensor([1, 3]))
    assert torch.equal(some, everywhere)
    assert torch.equal(some[0], images[0])
    by_hand = gaussian(sigma[1, :1], 8)[0] @ images[1, 0] @ gaussian(sigma[1, 1:], 8)[0].T
    torch.testing.assert_close(some[1, 0], by_hand, atol=1e-5, rtol=0)


def test_sides_have_the_area_and_fit_into_the_case():
    stretch = torch.tensor([[0.0, 0.0, 0.0], [0.1, -0.1, 0.0], [0.5, 0.0, 0.0]])
    side = affine.sides(torch.tensor([0.125, 0.3, 1.0]), stretch)
    torch.testing.assert_close(side[0], torch.full((3,), 0.5))
    torch.testing.assert_close(side[1].prod(), torch.tensor(0.3))
    torch.testing.assert_close(side[1, 0] / side[1, 1], torch.tensor(0.2).exp())
    assert side.max() == 1


@pytest.mark.parametrize(("inputs", "sides"), [((7, 5), (14, 9)), ((3, 4, 5), (6, 4, 11))])
def test_grown_maps_are_interpolated_and_so_are_their_gradients(inputs, sides):
    x = torch.randn(2, 3, *inputs, dtype=torch.float64, requires_grad=True)
    mode = {2: "bilinear", 3: "trilinear"}[len(inputs)]
    wanted = functional.interpolate(x, sides, mode=mode, align_corners=False)
    upstream = torch.randn_like(wanted)
    (ours,) = torch.autograd.grad(grown(x, sides), x, upstream)
    (theirs,) = torch.autograd.grad(wanted, x, upstream)
    torch.testing.assert_close(grown(x, sides), wanted, atol=1e-6, rtol=0)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)
