"""Views: what two crops promise whatever the seed, the rows and the number of dimensions."""

import itertools

import pytest
import torch

from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.kinds import VIEWS
from pixvox_zoo.resampling import crops

TONE = ("contrast", "brightness", "gamma", "colour", "grey", "noise")
NEVER = dict.fromkeys(("flip", "rotation", "anisotropy", "blur", *TONE), 0.0)
ALWAYS = dict.fromkeys(NEVER, 1.0)
STILL = {"scale": (1, 1), "aspect": 1}


def two_crops(dims=2, size=12, **settings):
    return VIEWS.build("two_crops", dims=dims, image_size=size, **settings)


def cases(rows=8, channels=1, dims=2, size=12):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, channels, *[size] * dims, generator=generator)


@pytest.mark.parametrize("dims", [2, 3])
def test_identity_settings_return_the_cases(dims):
    images = cases(dims=dims)
    for view in two_crops(dims, chances=NEVER, flips=range(dims), **STILL)(images, Draws(0, 0, 8)):
        torch.testing.assert_close(view.image, images, atol=1e-5, rtol=0)
        assert torch.equal(view.frame, torch.eye(dims, dims + 1).expand(8, -1, -1))


@pytest.mark.parametrize("dims", [2, 3])
def test_flips_alone_are_exact_and_only_where_the_anatomy_allows(dims):
    images = cases(dims=dims)
    always = {**NEVER, "flip": 1}
    for flips in ((), (0,), (dims - 1,), tuple(range(dims))):
        there = [2 + axis for axis in flips]
        for view in two_crops(dims, flips=flips, chances=always, **STILL)(images, Draws(0, 0, 8)):
            assert torch.equal(view.image, images.flip(there))


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_views_have_the_shape_asked_for_and_stay_finite(dims, channels):
    images = cases(4, channels, dims, size=10)
    images[0] = 1.5  # a constant case
    before = images.clone()
    everything = {"rotation": 20.0, "anisotropy": 3.0, "flips": (0, 1)}
    for chances in (None, NEVER, ALWAYS):
        views = two_crops(dims, 12, chances=chances, **everything)(images, Draws(1, 2, 4))
        assert len(views) == 2
        for view in views:
            assert view.image.shape == (4, channels, *[12] * dims)
            assert view.frame.shape == (4, dims, dims + 1)
            assert view.role == "both"
            assert view.image.isfinite().all()
    assert torch.equal(images, before)  # all that happens in place happens to the views


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("rows", [(slice(0, 4), slice(4, 8)), (slice(0, 8, 2), slice(1, 8, 2))])
def test_two_processes_see_what_one_sees(dims, rows):
    images = cases(channels=3, dims=dims)
    make = two_crops(dims, rotation=15.0, anisotropy=3.0, flips=range(dims))
    one = make(images, Draws(3, 5, 8))
    for mine in rows:
        part = make(images[mine], Draws(3, 5, 8, rows=mine))
        for whole_view, view in zip(one, part, strict=True):
            torch.testing.assert_close(view.image, whole_view.image[mine], atol=1e-6, rtol=0)
            assert torch.equal(view.frame, whole_view.frame[mine])


def test_the_same_seed_and_step_give_the_same_bits_and_others_do_not():
    images, make = cases(), two_crops()
    first, again = make(images, Draws(0, 7, 8)), make(images, Draws(0, 7, 8))
    assert all(torch.equal(a.image, b.image) for a, b in zip(first, again, strict=True))
    for other in (Draws(0, 8, 8), Draws(1, 7, 8)):
        assert not torch.equal(first[0].image, make(images, other)[0].image)
    assert not torch.equal(first[0].image, first[1].image)


@pytest.mark.parametrize("what", [name for name in NEVER if name not in ("flip", "rotation")])
def test_one_more_operation_moves_no_crop_and_no_other_draw(what):
    images = cases(channels=3)
    settings = {"anisotropy": 3.0, "flips": (0, 1)}
    without = two_crops(chances={what: 0}, **settings)(images, Draws(0, 0, 8))
    often = two_crops(chances={what: 0.5}, **settings)(images, Draws(0, 0, 8))
    assert all(torch.equal(a.frame, b.frame) for a, b in zip(without, often, strict=True))
    untouched = [
        torch.isclose(a.image, b.image, atol=1e-6).flatten(1).all(1)
        for a, b in zip(without, often, strict=True)
    ]
    share = torch.cat(untouched).float().mean()
    assert 0 < share < 1  # the rows that did not draw it are the same


@pytest.mark.parametrize("dims", [2, 3])
def test_a_frame_says_where_its_crop_lies(dims):
    """A case whose pixels hold their own place shows the frame's places in the view."""
    size, rows = 16, 6
    place = (torch.arange(size) + 0.5) / size * 2 - 1
    case = torch.stack(torch.meshgrid(*[place] * dims, indexing="ij"))  # [dims, *S]
    images = case.expand(rows, *case.shape).contiguous()
    make = two_crops(
        dims, size, chances={**NEVER, "flip": 0.5}, flips=range(dims), scale=(0.2, 0.5)
    )
    for view in make(images, Draws(0, 0, rows)):
        here = torch.cat((case.flatten(1), torch.ones(1, size**dims)))  # [dims + 1, N]
        wanted = (view.frame @ here).clamp(place[0], place[-1])
        torch.testing.assert_close(view.image.flatten(2), wanted, atol=1e-5, rtol=0)
        assert view.frame[:, range(dims), range(dims)].sign().unique().tolist() == [-1, 1]


def test_a_turned_frame_says_it_too():
    size, rows = 16, 6
    place = (torch.arange(size) + 0.5) / size * 2 - 1
    case = torch.stack(torch.meshgrid(place, place, indexing="ij"))
    images = case.expand(rows, *case.shape).contiguous()
    make = two_crops(2, size, chances={**NEVER, "rotation": 1}, rotation=30.0, scale=(0.2, 0.3))
    (view, _) = make(images, Draws(0, 0, rows))
    here = torch.cat((case.flatten(1), torch.ones(1, size**2)))
    wanted = view.frame @ here
    inside = wanted.abs() < place[-1]
    torch.testing.assert_close(view.image.flatten(2)[inside], wanted[inside], atol=1e-5, rtol=0)


def test_crops_cover_the_share_they_were_told_to():
    make = two_crops(chances=NEVER, scale=(0.3, 0.6), aspect=4 / 3)
    frame = make(cases(256), Draws(0, 0, 256))[0].frame
    side = frame[:, [0, 1], [0, 1]]
    assert 0.3 - 1e-5 <= side.prod(1).min() < 0.33 < 0.57 < side.prod(1).max() <= 0.6 + 1e-5
    ratio = side[:, 0] / side[:, 1]
    assert 3 / 4 - 1e-5 <= ratio.min() < 0.85 < 1.2 < ratio.max() <= 4 / 3 + 1e-5
    assert (frame[..., -1].abs() + side).max() <= 1 + 1e-6  # inside the case


def test_thick_slices_blur_one_axis_and_no_other():
    lines = cases(32)[..., :1].expand(-1, -1, -1, 12)  # constant along the last axis
    make = two_crops(chances={**NEVER, "anisotropy": 1}, anisotropy=5.0, **STILL)
    changed = []
    for images in (lines, lines.mT):
        view = make(images.contiguous(), Draws(0, 0, 32))[0].image
        changed.append((view - images).abs().flatten(1).amax(1) > 1e-3)
    assert not (changed[0] & changed[1]).any()
    assert changed[0].sum() > 8 and changed[1].sum() > 8


def test_noise_has_the_standard_deviation_that_was_drawn():
    images = torch.zeros(64, 1, 32, 32)
    make = two_crops(2, 32, chances={**NEVER, "noise": 0.5}, noise=0.4)
    std = make(images, Draws(0, 0, 64))[0].image.std((1, 2, 3))
    noisy = std[std > 0]
    assert 0.3 < len(noisy) / 64 < 0.7
    assert 0.15 < noisy.mean() < 0.25 and noisy.max() < 0.42


def test_colour_and_grey_are_for_three_channels_only():
    chances = {**NEVER, "colour": 1, "grey": 1}
    for channels in (1, 2, 4):
        images = cases(channels=channels)
        (view, _) = two_crops(chances=chances, **STILL)(images, Draws(0, 0, 8))
        assert torch.equal(view.image, images)
    (view, _) = two_crops(chances=chances, **STILL)(cases(channels=3), Draws(0, 0, 8))
    assert torch.equal(view.image[:, 0], view.image[:, 2])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"chances": {"blurr": 0.5}}, "Did you mean 'blur'"),
        ({"chances": {"blur": 1.5}}, "chances.blur from 0 to 1"),
        ({"scale": (0.0, 1.0)}, "scale"),
        ({"scale": (0.5, 0.2)}, "scale"),
        ({"gamma": 0.5}, "gamma 1 or more"),
        ({"contrast": 1.0}, "contrast"),
        ({"noise": -0.1}, "noise 0 or more"),
    ],
)
def test_impossible_settings_are_refused_in_one_sentence(settings, said):
    with pytest.raises(UserError, match=said):
        two_crops(**settings)


@pytest.mark.parametrize("dims", [2, 3])
def test_plain_is_the_case_itself_or_the_case_at_size(dims):
    images = cases(dims=dims, size=12)
    (view,) = VIEWS.build("plain", dims=dims, image_size=12)(images, Draws(0, 0, 8))
    assert view.image is images
    (small,) = VIEWS.build("plain", dims=dims, image_size=6)(images, Draws(0, 0, 8))
    assert small.image.shape == (8, 1, *[6] * dims)
    assert torch.equal(small.image, crops(images, small.frame, 6))


@pytest.mark.parametrize("dims", [2, 3])
def test_multi_crop_makes_global_targets_and_smaller_local_views(dims):
    images = cases(dims=dims, size=28)
    make = VIEWS.build("multi_crop", dims=dims, image_size=28, local_views=3)
    views = make(images, Draws(0, 0, 8))
    assert make.num_targets == 2
    assert [view.role for view in views] == ["both", "both", "online", "online", "online"]
    assert [view.image.shape[-1] for view in views] == [28, 28, 12, 12, 12]
    for view, (low, high) in zip(views, [(0.25, 1)] * 2 + [(0.05, 0.25)] * 3, strict=True):
        share = view.frame[..., :dims].diagonal(dim1=1, dim2=2).prod(1)
        assert (share < high + 1e-5).all()
        assert (share > low * 0.5).all()  # a side that would leave the case is cut


def test_no_two_crops_of_a_case_are_the_same():
    images = cases(size=28)
    views = VIEWS.build("multi_crop", dims=2, image_size=28, local_size=28)(images, Draws(0, 0, 8))
    for one, other in itertools.combinations(views, 2):
        assert not torch.equal(one.frame, other.frame)


def test_multi_crop_hands_other_settings_to_every_crop():
    images = cases(size=28)
    still = {"chances": NEVER, "aspect": 1}
    make = VIEWS.build(
        "multi_crop", dims=2, image_size=28, global_scale=(1, 1), local_scale=(1, 1), crops=still
    )
    for view in make(images, Draws(0, 0, 8)):
        whole = torch.eye(2, 3).expand(8, -1, -1)
        torch.testing.assert_close(view.image, crops(images, whole, view.image.shape[-1]))


@pytest.mark.parametrize(
    ("crops", "said"), [({"blurr": 1.0}, "Did you mean 'blur'"), ({"scale": (1, 1)}, "scale")]
)
def test_multi_crop_refuses_settings_that_crops_do_not_have(crops, said):
    with pytest.raises(UserError, match=said):
        VIEWS.build("multi_crop", dims=2, image_size=28, crops=crops)


def test_local_crops_hold_whole_patches() -> None:
    images = cases(size=64)
    views = VIEWS.build("multi_crop", dims=2, image_size=64, patch=8)(images, Draws(0, 0, 8))
    assert views[-1].image.shape[-1] == 24
    with pytest.raises(UserError, match="no multiple of the patch, 8"):
        VIEWS.build("multi_crop", dims=2, image_size=64, patch=8, local_size=28)
