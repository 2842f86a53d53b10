"""Exits: every backbone of timm or MONAI, rebuilt by its library, also from what is printed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import pixvox_zoo
from pixvox_registry import BACKBONES, UserError
from pixvox_registry.contracts import Features, Pretrained
from pixvox_registry.intensity import Intensity
from pixvox_zoo.assembly import assemble
from pixvox_zoo.commands.export import export as command
from pixvox_zoo.exits import foreign, monai
from pixvox_zoo.exits.foreign import Call, Foreign
from pixvox_zoo.exits.publishing import beside, export
from pixvox_zoo.exits.table import EXITS, exits_of, translated
from pixvox_zoo.fitting import golden_input

Variant = tuple[str, dict[str, Any], dict[str, Any]]  # backbone, settings, facts
WIDTH = 0.125
VARIANTS: list[Variant] = [
    ("resnet", {}, {}),
    ("resnet", {"depth": 50}, {"stem": "small", "in_channels": 3}),
    ("resnet", {}, {"width": 1.0}),
    ("swin", {"masking": "token"}, {"width": 0.25}),
    ("unet", {}, {}),
    ("unet", {"stages": 3}, {"in_channels": 2}),
    ("vit", {}, {}),
    ("vit", {"masking": "token", "depth": 2}, {"width": 0.5, "in_channels": 2}),
    ("timm", {"architecture": "resnet10t"}, {}),
    ("timm", {"architecture": "vit_tiny_patch16_224"}, {}),
    ("timm", {"architecture": "mobilenetv3_small_050"}, {"in_channels": 3}),
]
PRINTED = [VARIANTS[1], VARIANTS[3], VARIANTS[4], VARIANTS[7], VARIANTS[9]]  # with every line
SIZE = 32


def pretrained(
    name: str, settings: dict[str, Any], said: dict[str, Any], dims: int = 2
) -> Pretrained:
    """A backbone whose norms have seen images, so that no part of it is idle."""
    facts = {"dims": dims, "in_channels": 1, "image_size": SIZE, "width": WIDTH} | said
    torch.manual_seed(0)
    backbone = assemble(BACKBONES, name, settings, facts)
    for parameter in backbone.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    channels = facts["in_channels"]
    with torch.no_grad():
        backbone(torch.randn(4, channels, *[SIZE] * dims))
    card = {
        "data": {"dataset": "none", "licence": "CC0-1.0"},
        "name": f"{name}-of-noise",
        "backbone": {"name": name, "settings": settings},
        "facts": facts,
        "image_size": SIZE,
    }
    return Pretrained(
        backbone=backbone.eval(),
        intensity=Intensity((20.0,) * channels, (60.0,) * channels, (0.0, 255.0)),
        image_size=SIZE,
        sha256="0" * 64,
        card=card,
    )


def cells() -> Iterator[tuple[Variant, int, str]]:
    for variant in VARIANTS:
        for dims in (2, 3):
            for to in exits_of(variant[0], dims)[:-1]:
                heavy = dims == 3 and variant[2].get("width") == 1.0
                if not heavy:
                    yield variant, dims, to


@pytest.mark.parametrize(("variant", "dims", "to"), list(cells()))
def test_the_model_of_the_library_gives_the_backbones_features(
    variant: Variant, dims: int, to: str
) -> None:
    """In float64, where an epsilon or a stride that differs cannot pass for rounding."""
    ours = pretrained(*variant, dims)
    ours.backbone.double()
    images = golden_input(ours.card).double()
    with torch.inference_mode():
        pooled = ours.backbone(images).pooled
    read = translated(ours, to).pooled(images)
    torch.testing.assert_close(read, pooled, rtol=1e-9, atol=1e-9)
    assert pooled.std(0).mean() > 1e-5


def test_every_backbone_of_a_library_has_its_exit() -> None:
    """Told by its modules; one that is composed of other backbones has none of its own."""
    for name in BACKBONES:
        if hasattr(BACKBONES.get(name), "parts"):
            continue
        for dims in (2, 3):
            if getattr(BACKBONES.get(name), "only_dims", dims) != dims:
                continue
            facts = {"dims": dims, "in_channels": 1, "image_size": SIZE, "width": 0.25}
            backbone = assemble(BACKBONES, name, {}, facts)
            made_of = {type(module).__module__.split(".")[0] for module in backbone.modules()}
            has = set(exits_of(name, dims))
            assert "onnx" in has
            if dims == 2 and "timm" in made_of:
                assert "timm" in has, name
            if made_of & {"timm", "monai"}:
                assert has & {"timm", "monai"}, (name, dims)


RUN = """
import runpy, sys
from pixvox_zoo.torchvision_mend import mend
mend()  # where this machine's torchvision is broken
import torch
for script, images, out in zip(*[iter(sys.argv[1:])] * 3):
    images = torch.load(images, weights_only=True)
    torch.save(runpy.run_path(script, {"images": images})["pooled"], out)
"""


def test_the_printed_lines_rebuild_every_model(tmp_path: Path) -> None:
    """What is printed is run as it stands, on images in stored units, where the file lies."""
    expected, words = [], []
    chosen = [cell for cell in cells() if cell[0] in PRINTED and cell[1] == 2]
    for number, (variant, dims, to) in enumerate(chosen):
        ours = pretrained(*variant, dims)
        file = tmp_path / f"{number}.safetensors"
        told = export(ours, to, file)
        script, images = file.with_suffix(".py"), file.with_suffix(".images")
        script.write_text("\n".join(told["code"]))
        stored = ours.intensity.stored(golden_input(ours.card))
        torch.save(stored, images)
        with torch.inference_mode():
            expected.append(ours.backbone(ours.intensity.standardise(stored)).pooled)
        words += [script.name, images.name, f"{number}.out"]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for out, pooled in zip(words[2::3], expected, strict=True):
        read = torch.load(tmp_path / out, weights_only=True)
        torch.testing.assert_close(read, pooled, rtol=1e-4, atol=1e-5)


def test_what_is_written_beside_the_file(tmp_path: Path) -> None:
    ours = pretrained("vit", {"masking": "token", "depth": 1}, {})
    file = tmp_path / "deep" / "vit.safetensors"
    told = export(ours, "monai", file)
    assert json.loads(beside(file).read_text()) == told
    assert told["intensity"] == {"mean": [20.0], "std": [60.0], "value_range": [0.0, 255.0]}
    assert (told["dims"], told["in_channels"], told["image_size"]) == (2, 1, SIZE)
    assert list(told["left_out"]) == ["token"] and "token" not in load_file(file)
    assert set(told["made_with"]) == {"pixvox", "torch", "monai"}
    before = file.read_bytes()
    export(ours, "monai", file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("fault", ["weight", "epsilon"])
def test_a_model_with_other_features_is_not_published(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = pretrained("vit", {"depth": 1}, {})
    _, translate = EXITS["vit"]["monai"]

    def broken(backbone: nn.Module, said: dict[str, Any]) -> Foreign:
        right = translate(backbone, said)
        if fault == "epsilon":
            return replace(right, changes=())
        tensors = dict(right.tensors)
        tensors["norm.weight"] = tensors["norm.weight"] * 1.001
        return replace(right, tensors=tensors)

    monkeypatch.setitem(EXITS["vit"], "monai", ((2, 3), broken))  # type: ignore[arg-type]
    if fault == "epsilon":
        ours.backbone.positions.data.mul_(1e-3)
        ours.backbone.embed.weight.data.mul_(1e-3)
        ours.backbone.embed.bias.data.zero_()
    with pytest.raises(UserError, match=r"gives other features .*nothing was written"):
        export(ours, "monai", tmp_path / "vit.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_backbones_without_an_exit_say_which_they_have(tmp_path: Path) -> None:
    for name, dims, to, has in (
        ("conv_encoder", 2, "timm", "It has: onnx"),
        ("unet", 3, "timm", "It has: monai, onnx"),
        ("resnet", 3, "timm", "in 3D has no exit to 'timm'.*It has: monai, onnx"),
    ):
        with pytest.raises(UserError, match=has):
            export(pretrained(name, {}, {}, dims), to, tmp_path / "x.safetensors")
    with pytest.raises(UserError, match=r"goes through 4 stages.*onnx"):
        translated(pretrained("swin", {"depths": [1, 1]}, {"width": 0.25}), "monai")
    with pytest.raises(UserError, match=r"3 stages or more.*onnx"):
        translated(pretrained("unet", {"stages": 2}, {}), "monai")
    with pytest.raises(UserError, match="in pairs"):
        translated(pretrained("resnet", {}, {"width": 3 / 64}), "timm")
    with pytest.raises(UserError, match=r"has no exit to 'tim'\. Did you mean 'timm'"):
        export(pretrained("vit", {"depth": 1}, {}), "tim", tmp_path / "x.safetensors")
    with pytest.raises(UserError, match=r"is a \.safetensors file"):
        export(pretrained("vit", {"depth": 1}, {}), "timm", tmp_path / "x.onnx")


class Guest(nn.Module):
    """A layer of MONAI's, and the way back to it."""

    patch = None
    channels, strides = (), ()

    def __init__(self, *, dims: int, in_channels: int, num_features: int = 5) -> None:
        super().__init__()
        self.num_features = num_features
        self.layer = Call("monai.networks.blocks.Convolution", (dims, in_channels, 5))()

    def forward(self, images: torch.Tensor) -> Features:
        return Features(pooled=self.layer(images).flatten(2).mean(2))

    @staticmethod
    def to_monai(backbone: Any, said: dict[str, Any]) -> Foreign:
        arguments = (said["dims"], said["in_channels"], said["num_features"])
        return Foreign(
            call=Call("monai.networks.blocks.Convolution", arguments),
            tensors=backbone.layer.state_dict(),
            reading=foreign.Line(
                "pooled = model(images).flatten(2).mean(2)",
                lambda model, part, images: model(images).flatten(2).mean(2),
            ),
        )

    exits = MappingProxyType({"monai": ((2,), to_monai)})


def test_a_guest_brings_its_own_exit(tmp_path: Path) -> None:
    with BACKBONES.lend("guest", Guest):
        assert (exits_of("guest", 2), exits_of("guest", 3)) == (["monai", "onnx"], ["onnx"])
        told = export(pretrained("guest", {}, {}), "monai", tmp_path / "guest.safetensors")
    assert "model = Convolution(2, 1, 5)" in told["code"]


def test_the_command_prints_lines_or_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = pretrained("vit", {"depth": 1}, {})
    monkeypatch.setattr(pixvox_zoo, "load", {"mine": ours}.__getitem__, raising=False)
    out = tmp_path / "vit.safetensors"
    command("mine", to="timm", out=out)
    said = capsys.readouterr()
    assert "from timm import create_model" in said.out and str(beside(out)) in said.err
    command("mine", to="timm", out=out, json=True)
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(beside(out).read_text())
    assert told["trained_on"] == [{"dataset": "none", "licence": "CC0-1.0"}]


def test_a_dyn_unet_sees_what_its_encoder_was_given() -> None:
    """Loading the part loads the model: its decoder works on other maps from then on."""
    given = translated(pretrained("unet", {}, {}), "monai")
    model, images = given.call().eval(), torch.randn(2, 1, SIZE, SIZE)
    with torch.inference_mode():
        before = model(images)
        monai.ENCODER.deed(model).load_state_dict(given.tensors, strict=True)
        assert not torch.allclose(model(images), before)
