"""A 2D method on the slices of volumes, and slice by slice back on the volumes."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import pixvox_zoo
from pixvox_benchmarks.maps_decoder import LightDecoder, UNetDecoder
from pixvox_registry import BACKBONES, MAKERS, UserError
from pixvox_registry.budgets import BUDGETS, budget
from pixvox_registry.contracts import Features
from pixvox_registry.order import Order
from pixvox_registry.source_spec import build_source
from pixvox_zoo import pretraining
from pixvox_zoo.assembly import assemble
from pixvox_zoo.slice_by_slice import SliceBySlice


def encoder_of(name: str) -> nn.Module:
    facts = {"dims": 2, "in_channels": 1, "image_size": 32, "width": 0.25, "stem": "imagenet"}
    torch.manual_seed(3)
    backbone: nn.Module = assemble(BACKBONES, name, {}, facts)
    return backbone.eval()


@pytest.mark.parametrize("name", ["resnet", "vit", "swin", "unet"])
def test_a_volume_is_the_mean_of_its_slices_and_maps_are_stacked(name: str) -> None:
    encoder = encoder_of(name)
    volumes = torch.randn(2, 1, 5, 32, 32)
    backbone = SliceBySlice(encoder, together=3).eval()
    with torch.inference_mode():
        features = backbone(volumes)
        alone = [[encoder(volumes[b, None, :, n]) for n in range(5)] for b in range(2)]
    assert features.pooled is not None and features.slices is not None
    assert features.slices.shape == (2, 5, backbone.num_features)
    for b, of_volume in enumerate(alone):
        mean = sum(slice.pooled for slice in of_volume)[0] / 5
        assert torch.allclose(features.pooled[b], mean, atol=1e-5)
        for n, slice in enumerate(of_volume):
            assert torch.allclose(features.slices[b, n], slice.pooled[0], atol=1e-5)
            for level, own in zip(features.maps, slice.maps, strict=True):
                assert torch.allclose(level[b, :, n], own[0], atol=1e-4)
    shapes = [tuple(level.shape[1:]) for level in features.maps]
    sides = [-(-32 // stride) for stride in backbone.strides]
    assert shapes == [(c, 5, s, s) for c, s in zip(backbone.channels, sides, strict=True)]


def test_masks_and_encoders_without_a_vector_are_refused() -> None:
    volumes = torch.zeros(1, 1, 2, 32, 32)
    with pytest.raises(UserError, match="cannot be hidden"):
        SliceBySlice(encoder_of("vit"))(volumes, torch.zeros(1, 2, 8, 8, dtype=torch.bool))

    class Silent(nn.Module):
        num_features, channels, strides, patch = 1, (), (), None

        def forward(self, images: torch.Tensor) -> Features:
            return Features()

    with pytest.raises(UserError, match="pools nothing"):
        SliceBySlice(Silent())(volumes)


@pytest.mark.parametrize("side", [(16, 32, 24), (7, 32, 32)])
def test_decoders_outline_volumes_on_its_maps_and_the_encoder_learns(side: Any) -> None:
    backbone = SliceBySlice(encoder_of("resnet")).train()
    volumes = torch.randn(2, 1, *side)
    common: dict[str, Any] = {"dims": 3, "channels": backbone.channels, "labels": 3}
    unet = UNetDecoder(in_channels=1, strides=backbone.strides, side=min(side), **common)
    for decoder in (LightDecoder(**common), unet):
        painted = decoder(volumes, backbone(volumes).maps)
        assert painted.shape == (2, 3, *side)
    assert all(level.is_contiguous() for level in backbone(volumes).maps)
    painted.square().mean().backward()
    assert backbone.encoder.resnet.conv1.weight.grad.abs().sum() > 0


def order(method: str, **changes: Any) -> Order:
    return Order(
        method=method,
        source=build_source("phantoms:shapes_3d,count=12,image_size=16"),
        split="train",
        budget=replace(budget("tiny", 3), image_size=16),
        seed=0,
        flips=(0, 2),
        **changes,
    )


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps are enough here."""
    few = replace(BUDGETS["tiny", 2], seen=64, batch=32, width=0.125)
    monkeypatch.setitem(BUDGETS, ("tiny", 2), few)


def test_a_recipe_learns_on_slices_and_serves_volumes(brief: None, tmp_path: Path) -> None:
    maker = MAKERS.build("slices")
    asked = order("simclr")
    maker.check(asked)
    folder = maker.make(asked, tmp_path / "run")
    in_2d = json.loads((folder / "weights" / "card.json").read_text())
    shown = in_2d["data"]["slices"]
    assert in_2d["facts"]["dims"] == 2 and in_2d["image_size"] == 16
    assert in_2d["data"]["cases"] + shown["empty_left_out"]["train"] == 12 * 16
    assert in_2d["budget"]["seen"] == 64 and in_2d["budget"]["dims"] == 2
    pretrained = maker.load(folder)
    assert pretrained.image_size == 16 and not pretrained.backbone.training
    assert pretrained.card["backbone"]["name"] == "slices:resnet"
    assert pretrained.card["facts"]["dims"] == 3 and pretrained.card["slices"]["axis"] == 0
    volumes = pretrained.intensity.standardise(asked.source.cases("val").images[:2])
    with torch.inference_mode():
        pooled = pretrained.backbone(volumes).pooled
        own = pixvox_zoo.load(folder / "weights").backbone
        naive = torch.stack([own(volume.transpose(0, 1)).pooled.mean(0) for volume in volumes])
    assert torch.allclose(pooled, naive, atol=1e-5)
    assert pretrained.fresh is not None
    fresh = [pretrained.fresh(seed).encoder.resnet.conv1.weight for seed in (0, 1)]
    learnt = pretrained.backbone.encoder.resnet.conv1.weight
    assert learnt.shape == fresh[0].shape and not torch.equal(*fresh)
    assert not torch.equal(learnt, fresh[0])
    published = (folder / "weights" / "card.json").stat().st_mtime_ns
    assert maker.make(asked, folder) == folder  # finished work is reused
    assert (folder / "weights" / "card.json").stat().st_mtime_ns == published
    (folder / "slices.json").unlink()
    with pytest.raises(UserError, match=r"holds no slices\.json"):
        maker.load(folder)


def test_a_run_that_was_told_to_stop_goes_on_to_the_same_bits(
    brief: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = MAKERS.build("slices")
    asked = order("simclr")
    whole = maker.load(maker.make(asked, tmp_path / "whole"))
    advance = pretraining.advance

    def told(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return advance(*arguments)

    with monkeypatch.context() as scene:
        scene.setattr(pretraining, "advance", told)
        with pytest.raises(SystemExit):
            maker.make(asked, tmp_path / "stopped")
    assert not (tmp_path / "stopped" / "slices.json").exists()
    steps: list[int] = []

    def counted(*arguments: Any) -> Any:
        steps.append(arguments[4])
        return advance(*arguments)

    monkeypatch.setattr(pretraining, "advance", counted)
    again = maker.load(maker.make(asked, tmp_path / "stopped"))
    assert steps == [1] and again.sha256 == whole.sha256


def test_the_2d_order_has_the_2d_budget_and_axes_within_a_slice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Order] = []

    class Spy:
        def check(self, order: Order) -> None:
            seen.append(order)

        def fingerprint(self, order: Order) -> str:
            return f"{order.method} {order.seed} {order.source.name}"

        def estimate(self, order: Order) -> tuple[float, int]:
            seen.append(order)
            return 3.0, 5

    maker = MAKERS.build("slices")
    with MAKERS.lend("spy", Spy):
        maker.check(order("spy:one:two"))
        assert maker.estimate(order("spy:one")) == (3.0, 5)
        prints = {maker.fingerprint(order(method)) for method in ("spy:a", "spy:b")}
        prints.add(maker.fingerprint(replace(order("spy:a"), seed=1)))
        assert len(prints) == 3
        with monkeypatch.context() as edited:
            edited.setattr("pixvox_zoo.makers.slices.digest_of_plugin", lambda *a, **k: "other")
            assert maker.fingerprint(order("spy:a")) not in prints  # its own code decides too
    in_2d = seen[0]
    assert in_2d.method == "one:two" and in_2d.source.dims == 2 and in_2d.flips == (1,)
    assert in_2d.budget == replace(budget("tiny", 2), image_size=16)
    assert "slices of phantoms:shapes_3d" in in_2d.source.name
    half = order("spy:one")
    with MAKERS.lend("spy", Spy):
        maker.check(replace(half, budget=replace(half.budget, seen=half.budget.seen // 2)))
    assert seen[-1].budget.seen == budget("tiny", 2).seen // 2


def test_methods_that_do_not_fit_are_refused() -> None:
    maker = MAKERS.build("slices")
    images = replace(order("simclr"), source=build_source("phantoms:shapes_2d,count=12"))
    with pytest.raises(UserError, match="Take simclr itself"):
        maker.check(images)
    with pytest.raises(UserError, match="slices:simclr"):
        maker.check(order("slices:simclr"))
    with pytest.raises(UserError, match="Did you mean 'simclr'"):
        maker.check(order("simclrr"))
    with pytest.raises(UserError, match="Did you mean 'weights'"):
        maker.check(order("weight:somewhere"))


def test_weights_of_images_are_put_to_volumes(tmp_path: Path) -> None:
    made = tmp_path / "elsewhere-s{seed}"
    pixvox_zoo.pretrain(
        "random_init",
        "phantoms:texture_2d,count=16",
        str(made).replace("{seed}", "0"),
        width=0.125,
        quiet=True,
    )
    maker = MAKERS.build("slices")
    asked = order(f"weights:{made}/weights")
    maker.check(asked)
    folder = maker.make(asked, tmp_path / "run")
    assert [file.name for file in folder.iterdir()] == ["slices.json"]
    pretrained = maker.load(folder)
    assert pretrained.sha256 == pixvox_zoo.load(tmp_path / "elsewhere-s0" / "weights").sha256
    assert pretrained.backbone(torch.zeros(1, 1, 4, 28, 28)).pooled.isfinite().all()
    assert maker.estimate(asked) == (0.0, 0)
    with pytest.raises(UserError, match=r"no card\.json"):
        maker.check(replace(asked, seed=7))
