"""Weights at other sides: what they chose by their own stays, and what does not fit is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import pixvox_zoo
from pixvox_registry import BACKBONES, UserError
from pixvox_registry.contracts import Features
from pixvox_zoo import weights
from pixvox_zoo.positions import fitted
from pixvox_zoo.rebuilding import settled

Publish = Callable[..., Path]


def features(pretrained: Any, images: Tensor) -> Tensor:
    with torch.inference_mode():
        pooled: Tensor = pretrained.backbone(images).pooled
    return pooled


@pytest.mark.parametrize(("dims", "sides"), [(2, (56, 64, 112, 16)), (3, (36, 40))])
def test_patches_stay_and_positions_are_interpolated(
    tmp_path: Path, publish_weights: Publish, dims: int, sides: tuple[int, ...]
) -> None:
    """A vit of 28 px has patches of 4; one that is built for 64 px would have patches of 8."""
    folder = publish_weights(tmp_path, "vit", dims=dims)
    own = pixvox_zoo.load(folder)
    for side in sides:
        other = pixvox_zoo.load(folder, image_size=side)
        grid = (side // 4,) * dims
        assert (other.image_size, other.backbone.patch, other.backbone.grid) == (side, 4, grid)
        expected = fitted(own.backbone.positions, own.backbone.grid, grid)
        assert torch.equal(other.backbone.positions, expected)
        assert other.report["adapted"] == [
            f"positions [{7**dims}, 64] -> [{(side // 4) ** dims}, 64]",
            "patch 4 as at 28 px",
        ]
        images = torch.randn(1, 1, *[side] * dims)
        assert torch.allclose(features(other, images), features(own, images), atol=1e-4)
        fresh = other.fresh(0)
        assert fresh.positions.shape == expected.shape and not torch.equal(
            fresh.embed.weight, other.backbone.embed.weight
        )
    images = torch.randn(1, 1, *[28] * dims)
    again = pixvox_zoo.load(folder)
    assert torch.equal(features(own, images), features(again, images))
    assert again.card["backbone"] == {"name": "vit", "settings": {}}


@pytest.mark.parametrize("dims", [2, 3])
def test_stages_stay(tmp_path: Path, publish_weights: Publish, dims: int) -> None:
    """A U-Net of 36 px has 5 stages; one that is built for 32 px would have 4, for 96 px 6."""
    folder = publish_weights(tmp_path, "unet", dims=dims, side=36)
    own = pixvox_zoo.load(folder)
    for side in (32, 72):
        other = pixvox_zoo.load(folder, image_size=side)
        assert len(other.backbone.stages) == len(own.backbone.stages) == 5
        assert other.report["adapted"] == ["stages 5 as at 36 px"]
        images = torch.randn(1, 1, *[36] * dims)
        assert torch.equal(features(other, images), features(own, images))


@pytest.mark.parametrize("name", ["vit", "unet"])
def test_what_was_brought_to_another_side_is_saved_and_loaded_again(
    tmp_path: Path, publish_weights: Publish, name: str
) -> None:
    other = pixvox_zoo.load(publish_weights(tmp_path, name), image_size=64)
    card = {key: fact for key, fact in other.card.items() if key != "prints"}
    again = pixvox_zoo.load(weights.save(tmp_path / "again", other.backbone, card))
    images = torch.randn(1, 1, 64, 64)
    assert torch.equal(features(again, images), features(other, images))
    assert again.report["adapted"] == [] and again.image_size == 64


@pytest.mark.parametrize("encoder", ["vit", "unet"])
def test_what_an_encoder_inside_chose_stays_too(tmp_path: Path, encoder: str) -> None:
    named = {"name": "slice_encoder", "settings": {"encoder": {"name": encoder}, "features": 8}}
    facts = {"dims": 2, "in_channels": 1, "image_size": 28, "width": 0.25, "stem": "imagenet"}
    card = {
        **{"name": "inside", "backbone": named, "facts": facts, "image_size": 28},
        "intensity": {"mean": [0.0], "std": [1.0], "value_range": [0, 1]},
        **{"recipe": {"title": "Nothing", "sha256": "0" * 64}, "data": {"dataset": "none"}},
    }
    built = BACKBONES.build("slice_encoder", **named["settings"], **facts)
    folder = weights.save(tmp_path / "weights", built, card)
    other = pixvox_zoo.load(folder, image_size=96)
    kept = {"vit": ("patch", 4), "unet": ("stages", 4)}[encoder]
    assert other.card["backbone"]["settings"]["encoder"]["settings"] == dict([kept])
    assert f"encoder {kept[0]} {kept[1]} as at 28 px" in other.report["adapted"]
    images = torch.randn(1, 1, 96, 96)
    assert torch.allclose(features(other, images), features(pixvox_zoo.load(folder), images))
    assert named["settings"] == {"encoder": {"name": encoder}, "features": 8}


@pytest.mark.parametrize(
    ("name", "own", "side", "said"),
    [
        ("vit", 28, 30, r"no images of 30 px: .*'vit' with patch 4 .* takes 28 px and 32 px, for"),
        ("vit", 28, 1, "takes 4 px and 28 px, for"),
        ("unet", 36, 16, "'unet' with stages 5 does not fit them. It takes 17 px and 36 px, for"),
        ("conv_encoder", 28, 7, "It takes 8 px and 28 px, for"),
        ("rigid", 28, 30, "It takes 28 px, for"),
    ],
)
def test_a_side_that_does_not_fit_is_refused_and_others_named(
    tmp_path: Path, publish_weights: Publish, name: str, own: int, side: int, said: str
) -> None:
    folder = publish_weights(tmp_path, name, side=own)
    with pytest.raises(UserError, match=said) as told:
        pixvox_zoo.load(folder, image_size=side)
    for word in str(told.value).split("It takes")[1].split():
        if word.isdigit():
            assert pixvox_zoo.load(folder, image_size=int(word)).image_size == int(word)


class Fickle(nn.Module):
    """Its stride is chosen by the side and kept nowhere: no shape of a tensor betrays it."""

    patch = None

    def __init__(self, *, dims: int, in_channels: int, image_size: int) -> None:
        super().__init__()
        self.num_features, self.channels, self.strides = 8, (8,), (2,)
        self.body = nn.Conv2d(in_channels, 8, 3, stride=2, dilation=1 if image_size < 32 else 2)

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        return Features(self.body(images).tanh().flatten(2).mean(-1))


class Rigid(Fickle):
    """It has a parameter for each pixel, and takes images of one side."""

    def __init__(self, *, dims: int, in_channels: int, image_size: int) -> None:
        super().__init__(dims=dims, in_channels=in_channels, image_size=1)
        self.each = nn.Parameter(torch.zeros(image_size, image_size))

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        return super().forward(images + self.each)


@pytest.fixture(autouse=True)
def guests() -> Iterator[None]:
    with BACKBONES.lend("fickle", Fickle), BACKBONES.lend("rigid", Rigid):
        yield


def test_what_would_say_otherwise_at_another_side_is_found_out(
    tmp_path: Path, publish_weights: Publish
) -> None:
    folder = publish_weights(tmp_path, "fickle")
    assert pixvox_zoo.load(folder, image_size=24).image_size == 24
    with pytest.raises(UserError, match=r"cannot be brought to 32 px: .* Leave it at 28 px"):
        pixvox_zoo.load(folder, image_size=32)


def test_a_setting_that_was_said_stays_said() -> None:
    facts = {"dims": 2, "in_channels": 1, "image_size": 32}
    said = {"name": "vit", "settings": {"patch": 16, "depth": 1}}
    built = BACKBONES.build("vit", **said["settings"], **facts)
    assert settled(said, built) == (said, [])
