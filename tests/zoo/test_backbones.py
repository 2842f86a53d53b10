"""Backbones: parity with timm, stems and widths, refusals, and the mend that timm may need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pixvox_registry import BACKBONES, UserError
from pixvox_zoo.convolution import Convolution
from pixvox_zoo.torchvision_mend import mend


def images(side: int, dims: int = 2, channels: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, channels, *[side] * dims, generator=generator)


def with_timms_weights() -> tuple[Any, Any]:
    mend()
    import timm

    torch.manual_seed(0)
    ours: Any = BACKBONES.build("resnet", dims=2, in_channels=3)
    theirs = timm.create_model("resnet18", num_classes=0, zero_init_last=False)
    state = {f"resnet.{key}": value for key, value in theirs.state_dict().items()}
    ours.load_state_dict(state, strict=True)
    return ours, theirs


@pytest.mark.parametrize("side", [28, 32, 96])
def test_resnet_18_is_timms(side: int) -> None:
    ours, theirs = with_timms_weights()
    x = images(side, channels=3)
    torch.testing.assert_close(ours.eval()(x).pooled, theirs.eval()(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("side", [28, 32, 96])
@pytest.mark.parametrize("training", [True, False])
def test_resnet_18_is_timms_in_every_map(side: int, training: bool) -> None:
    """In float64: norms over a handful of pixels magnify the rounding of float32."""
    ours, theirs = (model.double().train(training) for model in with_timms_weights())
    x = images(side, channels=3).double()
    features = ours(x)
    last, maps = theirs.forward_intermediates(x)
    torch.testing.assert_close(features.pooled, theirs.forward_head(last), rtol=1e-9, atol=1e-9)
    for mine, other in zip(features.maps, maps, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-9)


STEMS = {"imagenet": ([2, 4, 8, 16, 32], 14), "small": ([1, 2, 4, 8], 28)}  # strides, first map
SIZES = [(dims, width) for dims in (2, 3) for width in (1.0, 0.5, 0.25)]
SLOW = {("small", 3, 1.0), ("small", 3, 0.5)}  # seconds each, and nothing that 0.25 does not show


@pytest.mark.parametrize(
    ("stem", "dims", "width"),
    [(stem, *size) for stem in STEMS for size in SIZES if (stem, *size) not in SLOW],
)
def test_stem_and_width(stem: str, dims: int, width: float) -> None:
    strides, first = STEMS[stem]
    backbone: Any = BACKBONES.build("resnet", dims=dims, in_channels=1, width=width, stem=stem)
    with torch.no_grad():
        features = backbone(images(28, dims))
    assert backbone.strides == strides and features.maps[0].shape[-1] == first
    assert backbone.num_features == 512 * width == backbone.channels[-1]
    torch.testing.assert_close(features.tokens.mean(1), features.pooled)


@pytest.mark.parametrize(("depth", "features"), [(34, 128), (50, 512)])
def test_depths(depth: int, features: int) -> None:
    backbone: Any = BACKBONES.build("resnet", dims=2, in_channels=1, width=0.25, depth=depth)
    assert backbone(images(32)).pooled.shape == (2, features)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depth": 19}, "depths"),
        ({"stem": "smal"}, "Did you mean 'small'"),
        ({"width": 0.01}, "no channel"),
    ],
)
def test_resnet_says_what_is_wrong(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        BACKBONES.build("resnet", dims=2, in_channels=1, **settings)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("side", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3])
def test_convolution_is_the_one_it_stands_in_for(
    dims: int, side: int, stride: int, kernel: int
) -> None:
    kind = nn.Conv2d if dims == 2 else nn.Conv3d
    plain = kind(3, 4, kernel, stride=stride, padding=kernel // 2).double()
    ours = Convolution(plain)
    x = images(side, dims, 3).double().requires_grad_()
    slopes = []
    for layer in (plain, ours):
        y = layer(x)
        slopes.append((y, *torch.autograd.grad(y.square().sum(), [x, plain.weight, plain.bias])))
    for mine, other in zip(*slopes, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize(
    ("architecture", "size"),
    [
        ("resnet18", 28),
        ("convnext_atto", 32),
        ("vit_tiny_patch16_224", 32),
        ("swin_tiny_patch4_window7_224", 32),
        ("mobilenetv3_small_050", 28),
    ],
)
def test_any_architecture_of_timm(architecture: str, size: int) -> None:
    backbone: Any = BACKBONES.build(
        "timm", dims=2, in_channels=2, image_size=size, architecture=architecture
    )
    assert backbone.training
    features = backbone(images(size, channels=2))
    assert features.pooled.shape == (2, backbone.num_features)
    assert [m.shape[1] for m in features.maps] == backbone.channels
    assert [m.shape[2] for m in features.maps] == [-(-size // s) for s in backbone.strides]


@pytest.mark.parametrize(
    ("architecture", "size", "message"),
    [
        ("convnext_atto", 28, "cannot take images of 28 px"),
        ("vit_tiny_patch16_224", 28, "28 px .*multiple of its patch, 16 px"),
        ("resnet81", 28, "no architecture 'resnet81'. Did you mean 'resnet"),
        ("hf-hub:timm/resnet18.a1_in1k", 28, "no architecture"),
    ],
)
def test_timm_says_what_is_wrong(architecture: str, size: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        BACKBONES.build("timm", dims=2, in_channels=1, image_size=size, architecture=architecture)


def test_timm_names_the_backbones_that_take_volumes() -> None:
    with pytest.raises(UserError, match=r"volumes \(3D\).*resnet"):
        BACKBONES.build("timm", dims=3, in_channels=1, image_size=28)


BROKEN = """
import torch
@torch.library.register_fake("torchvision::nms")
def nms(dets, scores, iou_threshold): ...
@torch.library.register_fake("torchvision::qnms")
def qnms(dets, scores, iou_threshold): ...
"""


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (BROKEN, "mended"),
        ("", "whole"),
        ("raise RuntimeError('operator torchvision::roi_align does not exist')", "RuntimeError"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
    ],
)
def test_mend_heals_one_symptom_and_no_other(body: str, outcome: str, tmp_path: Path) -> None:
    """A stand-in for torchvision, broken as the real one or otherwise."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("from torchvision import operators\n")
    (package / "operators.py").write_text(body)
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from pixvox_zoo.torchvision_mend import mend
try:
    mend()
    mend()
except Exception as error:
    sys.exit(type(error).__name__)
import torchvision.operators
torch = sys.modules.get("torch")
print("mended" if torch and hasattr(torch.ops.torchvision, "nms") else "whole")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert outcome in (done.stdout.strip(), done.stderr.strip())
