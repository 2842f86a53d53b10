"""Adaptation of weights: said, proved where it is done, refused where it would say otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import pixvox_zoo
from pixvox_registry import BACKBONES, UserError
from pixvox_registry.intensity import Intensity

from .card_editing import rewrite

Publish = Callable[..., Path]
ONLY = {name: getattr(BACKBONES.get(name), "only_dims", None) for name in sorted(BACKBONES)}
IMAGES = [name for name, dims in ONLY.items() if dims != 3]
BOTH = [name for name, dims in ONLY.items() if dims is None and name != "swin"]


def features(pretrained: Any, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        pooled: torch.Tensor = pretrained.backbone(images).pooled
    return pooled


@pytest.mark.parametrize("name", BOTH)
def test_a_volume_of_equal_slices_is_as_its_slice(
    tmp_path: Path, name: str, publish_weights: Publish
) -> None:
    folder = publish_weights(tmp_path, name)
    flat = pixvox_zoo.load(folder)
    volume = pixvox_zoo.load(folder, dims=3)
    slice_ = torch.randn(2, 1, 28, 28)
    equal_slices = slice_.unsqueeze(2).expand(-1, -1, 28, -1, -1).contiguous()
    expected = features(flat, slice_)
    assert torch.allclose(features(volume, equal_slices), expected, atol=1e-4, rtol=1e-4)
    other = equal_slices + torch.randn(2, 1, 28, 1, 1)
    assert not torch.allclose(features(volume, other), expected, atol=1e-2)
    assert volume.report["adapted"] and not volume.report["missing"]
    assert (volume.card["facts"]["dims"], flat.card["facts"]["dims"]) == (3, 2)
    assert flat.report["adapted"] == [] and len(flat.report["loaded"]) > 3


@pytest.mark.parametrize("name", IMAGES)
def test_one_channel_serves_three_and_three_serve_one(
    tmp_path: Path, name: str, publish_weights: Publish
) -> None:
    grey, colour = (publish_weights(tmp_path / str(c), name, channels=c) for c in (1, 3))
    side = pixvox_zoo.load(grey).image_size
    image = torch.randn(2, 1, side, side)
    alike = image.expand(-1, 3, -1, -1).contiguous()
    for folder, own, channels in ((grey, image, 3), (colour, alike, 1)):
        other = image if channels == 1 else alike
        adapted = pixvox_zoo.load(folder, in_channels=channels)
        expected = features(pixvox_zoo.load(folder), own)
        assert torch.allclose(features(adapted, other), expected, atol=1e-4, rtol=1e-4)
        assert adapted.intensity == Intensity((3.0,) * channels, (2.0,) * channels, (0, 255))
        assert len(adapted.report["adapted"]) >= 1


def test_what_would_say_otherwise_is_refused(tmp_path: Path, publish_weights: Publish) -> None:
    with pytest.raises(UserError, match=r"reshaped .*relative_position"):
        pixvox_zoo.load(publish_weights(tmp_path / "swin", "swin"), dims=3)
    with pytest.raises(UserError, match="reshaped"):
        pixvox_zoo.load(publish_weights(tmp_path / "two", "resnet", channels=3), in_channels=2)


def test_kernels_spread_along_the_depth_are_found_out(
    tmp_path: Path, publish_weights: Publish, monkeypatch: Any
) -> None:
    """The mean along the depth, the other usual choice, fails where a border is padded."""

    def spread(kernel: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        if (kernel.ndim, wanted.ndim) != (4, 5):
            return kernel
        return kernel.unsqueeze(2).expand(wanted.shape) / wanted.shape[2]

    folder = publish_weights(tmp_path, "resnet")
    monkeypatch.setattr("pixvox_zoo.reshaping._inflated", spread)
    with pytest.raises(UserError, match="cannot be adapted"):
        pixvox_zoo.load(folder, dims=3)


def test_positions_are_interpolated_as_the_backbone_does_it(
    tmp_path: Path, publish_weights: Publish
) -> None:
    folder = publish_weights(tmp_path, "vit")
    larger = pixvox_zoo.load(folder, image_size=32)
    assert larger.image_size == 32 and larger.backbone.grid == (8, 8)
    assert any("positions" in line for line in larger.report["adapted"])
    images = torch.randn(2, 1, 32, 32)
    assert torch.allclose(
        features(larger, images), features(pixvox_zoo.load(folder), images), atol=1e-5
    )


def test_a_partial_load_is_asked_for_by_name(tmp_path: Path, publish_weights: Publish) -> None:
    folder = publish_weights(tmp_path, "vit")
    rewrite(folder, {"backbone.settings": {"depth": 7}})
    with pytest.raises(UserError, match=r"missing blocks\.6"):
        pixvox_zoo.load(folder)
    with pytest.raises(UserError, match=r"missing blocks\.6"):
        pixvox_zoo.load(folder, partial=["norm."])
    loaded = pixvox_zoo.load(folder, partial=["blocks.6."])
    assert {name.split(".")[1] for name in loaded.report["missing"]} == {"6"}
    assert loaded.report["unexpected"] == []


def test_positions_of_another_grid_are_moved_even_if_there_are_as_many(
    tmp_path: Path, publish_weights: Publish
) -> None:
    """8 x 8 and 4 x 4 x 4 patches."""
    folder = publish_weights(tmp_path, "vit", side=32)
    small, volume = (pixvox_zoo.load(folder, image_size=16, **more) for more in ({}, {"dims": 3}))
    assert volume.backbone.grid == (4, 4, 4)
    assert any("positions" in line for line in volume.report["adapted"])
    slice_ = torch.randn(2, 1, 16, 16)
    equal_slices = slice_.unsqueeze(2).expand(-1, -1, 16, -1, -1).contiguous()
    expected = features(small, slice_)
    assert torch.allclose(features(volume, equal_slices), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "wish",
    [
        {"dims": 4},
        {"in_channels": 0},
        {"in_channels": "3"},
        {"in_channels": True},
        {"image_size": -1},
        {"image_size": 28.0},
        {"image_size": 10**6},
    ],
)
def test_what_no_images_have_is_refused(
    tmp_path: Path, publish_weights: Publish, wish: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match=f"{next(iter(wish))} is a whole number from"):
        pixvox_zoo.load(publish_weights(tmp_path, "conv_encoder"), **wish)


@pytest.mark.parametrize("name", ["vit", "resnet"])
def test_volumes_do_not_become_images(
    tmp_path: Path, publish_weights: Publish, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = publish_weights(tmp_path, name, dims=3)
    monkeypatch.setattr("pixvox_zoo.weights.fresh", None)  # it is refused before anything is built
    with pytest.raises(UserError, match=r"is for volumes, .* dims=2 came. Take weights of images"):
        pixvox_zoo.load(folder, dims=2)


def test_a_beginning_that_no_key_has_excuses_nothing(
    tmp_path: Path, publish_weights: Publish
) -> None:
    with pytest.raises(UserError, match=r"begins with 'no_such\.'"):
        pixvox_zoo.load(publish_weights(tmp_path, "conv_encoder"), partial=["no_such."])
