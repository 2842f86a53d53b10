"""Backbones of patches and plain convolutions: what masks hide, positions, sizes, refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from pixvox_registry import BACKBONES, DECODERS, UserError
from pixvox_registry.contracts import Features
from pixvox_zoo.positions import fitted, waves


def images(dims: int, side: int = 16) -> Tensor:
    return torch.randn(2, 1, *[side] * dims, generator=torch.Generator().manual_seed(0))


def build(name: str, dims: int, **settings: Any) -> Any:
    torch.manual_seed(0)
    made: Any = BACKBONES.build(name, dims=dims, in_channels=1, width=0.25, **settings)
    return made.eval()


def half_hidden(dims: int, cells: int) -> Tensor:
    mask = torch.zeros(2, *[cells] * dims, dtype=torch.bool)
    mask[:, : cells // 2] = True
    return mask


@pytest.mark.parametrize("dims", [2, 3])
def test_vit_never_sees_what_is_masked(dims: int) -> None:
    vit, x = build("vit", dims, image_size=16, patch=4), images(dims)
    mask = half_hidden(dims, 4)
    other = x.clone()
    other[:, :, :8] += 5.0
    seen, also = vit(x, mask), vit(other, mask)
    assert seen.tokens.shape == (2, 4**dims // 2, vit.num_features)
    torch.testing.assert_close(seen.tokens, also.tokens)
    assert not torch.allclose(vit(x).pooled, vit(other).pooled)
    assert vit(x).maps[0].shape == (2, vit.num_features, *[4] * dims)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("vit", {"image_size": 16, "patch": 4}),
        ("swin", {"patch": 4, "depths": [2, 2], "window": 2}),
    ],
)
def test_a_token_stands_for_what_is_masked(dims: int, name: str, settings: dict[str, Any]) -> None:
    backbone, x = build(name, dims, masking="token", **settings), images(dims)
    mask = half_hidden(dims, 4)
    other = x.clone()
    other[:, :, :8] += 5.0
    torch.testing.assert_close(backbone(x, mask).tokens, backbone(other, mask).tokens)
    with torch.no_grad():
        before = backbone(x, mask).tokens
        backbone.token += 1.0
        assert not torch.allclose(backbone(x, mask).tokens, before)


def test_masks_of_different_sizes_and_maskings_are_refused() -> None:
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[0, 0] = True
    with pytest.raises(UserError, match="as much of every case"):
        build("vit", 2, image_size=16, patch=4)(images(2), mask)
    with pytest.raises(UserError, match="masking: token"):
        build("swin", 2, patch=4)(images(2), mask)
    with pytest.raises(UserError, match="cannot leave out"):
        build("unet", 2, image_size=16)(images(2), mask)
    with pytest.raises(UserError, match="drop, token"):
        build("vit", 2, image_size=16, masking="tokens")
    with pytest.raises(UserError, match="do not fill it"):
        build("vit", 2, image_size=18, patch=4)
    with pytest.raises(UserError, match="1 to 4 stages"):
        build("swin", 2, depths=[2] * 5)
    with pytest.raises(UserError, match="Set fewer stages"):
        build("unet", 2, image_size=16, stages=6)


@pytest.mark.parametrize("dims", [2, 3])
def test_positions_are_interpolated_for_images_of_another_size(dims: int) -> None:
    vit = build("vit", dims, image_size=16, patch=4)
    larger = vit(images(dims, 24))
    assert larger.tokens.shape == (2, 6**dims, vit.num_features)
    positions = waves((4,) * dims, 24)
    assert torch.equal(fitted(positions, (4,) * dims, (4,) * dims), positions)
    assert fitted(positions, (4,) * dims, (6,) * dims).shape == (6**dims, 24)


def test_waves_tell_every_place_from_every_other() -> None:
    for grid in ((5, 7), (3, 4, 5)):
        told = waves(grid, 32)
        apart = torch.cdist(told, told) + torch.eye(len(told))
        assert float(apart.min()) > 1e-2


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("side", [12, 14, 28])
def test_linear_decoder_paints_every_pixel_from_the_place_above_it(dims: int, side: int) -> None:
    decoder = DECODERS.build(
        "linear_decoder", dims=dims, in_channels=1, image_size=side, num_features=3, stride=4
    )
    cells = -(-side // 4)
    last = torch.randn(2, 3, *[cells] * dims, generator=torch.Generator().manual_seed(0))
    painted = decoder(Features(maps=(last,)))
    assert painted.shape == (2, 1, *[side] * dims)
    moved = last.clone()
    moved[(slice(None), slice(None), *[0] * dims)] += 1.0
    changed = decoder(Features(maps=(moved,))) != painted
    corner = (slice(None), slice(None), *[slice(0, 4)] * dims)
    assert changed[corner].any()
    changed[corner] = False
    assert not changed.any()


@pytest.mark.parametrize("dims", [2, 3])
def test_masked_decoder_puts_visible_tokens_where_they_were(dims: int) -> None:
    torch.manual_seed(0)
    decoder: Any = DECODERS.build(
        "masked_decoder",
        dims=dims,
        in_channels=1,
        image_size=16,
        num_features=6,
        patch=4,
        stride=4,
        depth=0,
    )
    mask = half_hidden(dims, 4)
    tokens = torch.randn(2, 4**dims // 2, 6)
    painted = decoder(Features(tokens=tokens), mask)
    assert painted.shape == (2, 1, *[16] * dims)
    tokens[:, 0] += 1.0  # without blocks it reaches its own place alone: the first visible one
    changed = (decoder(Features(tokens=tokens), mask) != painted).flatten(2).any(1)
    place = (slice(8, 12), *[slice(0, 4)] * (dims - 1))
    there = torch.zeros([16] * dims, dtype=torch.bool)
    there[place] = True
    assert torch.equal(changed, there.flatten().expand(2, -1))


def test_masked_decoder_takes_all_patches_in_order_and_no_other_tokens() -> None:
    torch.manual_seed(0)
    facts = {"dims": 2, "in_channels": 1, "image_size": 16, "num_features": 6, "depth": 0}
    decoder: Any = DECODERS.build("masked_decoder", **facts, patch=4, stride=4)
    mask, tokens = half_hidden(2, 4), torch.randn(2, 16, 6)
    painted = decoder(Features(tokens=tokens), mask)
    tokens[:, 0] += 1.0
    changed = (decoder(Features(tokens=tokens), mask) != painted).any(0)[0]
    assert changed[:4, :4].any() and not changed[4:].any() and not changed[:, 4:].any()
    for patch, stride in ((None, 4), (2, 8)):
        with pytest.raises(UserError, match="Take vit, or linear_decoder"):
            DECODERS.build("masked_decoder", **facts, patch=patch, stride=stride)


@pytest.mark.parametrize("dims", [2, 3])
def test_unet_decoder_sees_every_map(dims: int) -> None:
    unet = build("unet", dims, image_size=16)
    decoder = DECODERS.build(
        "unet_decoder", dims=dims, in_channels=1, image_size=16, channels_of_maps=unet.channels
    ).eval()
    features = unet(images(dims))
    assert [m.shape[-1] for m in features.maps] == [16, 8, 4]
    painted = decoder(features)
    assert painted.shape == (2, 1, *[16] * dims)
    for number in range(3):
        maps = list(features.maps)
        maps[number] = torch.zeros_like(maps[number])
        assert not torch.allclose(decoder(Features(maps=tuple(maps))), painted)


def test_a_sampled_decoder_draws_in_training_and_paints_the_mean_otherwise() -> None:
    torch.manual_seed(0)
    decoder: Any = DECODERS.build(
        "decoder", dims=2, in_channels=1, image_size=16, num_features=8, sampled=True
    )
    embedding = torch.randn(4, 8)
    for norm in decoder.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.eval()
    assert not torch.equal(decoder(embedding), decoder(embedding))
    narrow = torch.cat([embedding[:, :4], torch.full((4, 4), -60.0)], 1)  # no variance to speak of
    torch.testing.assert_close(decoder(narrow), decoder.eval()(embedding))
