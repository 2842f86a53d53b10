"""The exit to ONNX: every backbone by onnxruntime, for batches of any size, with its scale."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pixvox_registry import BACKBONES, UserError
from pixvox_registry.contracts import Pretrained
from pixvox_registry.intensity import Intensity
from pixvox_zoo.assembly import assemble
from pixvox_zoo.exits import onnx as exit_to_onnx
from pixvox_zoo.exits.publishing import beside, export

SIZE = 16
ALIKE = {"rtol": 1e-4, "atol": 1e-4}
Cell = tuple[str, dict[str, Any], int]
QUICK: Cell = ("resnet", {}, 2)
LEAST: Cell = ("conv_encoder", {"channels": 4, "stages": 1, "features": 3}, 3)
SLOW: list[Cell] = [  # half a minute each, where the cores are shared
    ("conv_encoder", {}, 2),
    ("resnet", {"depth": 50}, 3),
    ("slice_encoder", {"features": 16}, 2),
    ("slice_fusion", {"features": 16}, 3),
    ("slice_fusion", {"features": 16, "fusion": {"name": "attention"}}, 3),
    ("swin", {}, 2),
    ("swin", {"depths": [1, 1]}, 3),
    ("timm", {"architecture": "resnet18"}, 2),
    ("unet", {}, 2),
    ("unet", {}, 3),
    ("vit", {}, 2),
    ("vit", {"depth": 2}, 3),
]


def pretrained(name: str, settings: dict[str, Any], dims: int) -> Pretrained:
    facts = {"dims": dims, "in_channels": 2, "image_size": SIZE, "width": 0.25}
    torch.manual_seed(0)
    return Pretrained(
        backbone=assemble(BACKBONES, name, settings, facts).eval(),
        intensity=Intensity((20.0, 0.5), (60.0, 2.0), (0.0, 255.0)),
        image_size=SIZE,
        sha256="0" * 64,
        card={
            "data": {"dataset": "none", "licence": "CC0-1.0"},
            "name": name,
            "backbone": {"name": name, "settings": settings},
            "facts": facts,
            "image_size": SIZE,
        },
    )


@pytest.fixture(scope="module", autouse=True)
def libraries() -> None:
    for name in exit_to_onnx.NEEDED:
        pytest.importorskip(name)


@pytest.fixture(scope="module")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pretrained, dict[str, Any], Path]:
    ours, file = pretrained(*QUICK), tmp_path_factory.mktemp("graph") / "graph.onnx"
    return ours, export(ours, "onnx", file), file


def test_onnxruntime_gives_pooled_and_maps_of_any_batch(
    resnet: tuple[Pretrained, dict[str, Any], Path],
) -> None:
    check(*resnet)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings", "dims"), SLOW)
def test_every_backbone_in_onnxruntime(
    name: str, settings: dict[str, Any], dims: int, tmp_path: Path
) -> None:
    ours, file = pretrained(name, settings, dims), tmp_path / "graph.onnx"
    check(ours, export(ours, "onnx", file), file)


def check(ours: Pretrained, told: dict[str, Any], file: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for batch in (1, 5):
        images = torch.randn(batch, 2, *[SIZE] * ours.card["facts"]["dims"])
        with torch.inference_mode():
            features = ours.backbone(images)
        pooled, *maps = session.run(None, {"images": images.numpy()})
        torch.testing.assert_close(torch.from_numpy(pooled), features.pooled, **ALIKE)
        for mine, theirs in zip(features.maps, maps, strict=True):
            torch.testing.assert_close(torch.from_numpy(theirs), mine, **ALIKE)
    noted = session.get_modelmeta().custom_metadata_map
    assert json.loads(noted["intensity"]) == told["intensity"]
    assert json.loads(noted["image_size"]) == SIZE
    assert json.loads(beside(file).read_text()) == told and told["largest_difference"] < 1e-4


def test_the_printed_lines_run_as_they_stand(
    resnet: tuple[Pretrained, dict[str, Any], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import runpy

    ours, told, file = resnet
    script = tmp_path / "lines.py"
    script.write_text("\n".join(told["code"]))
    monkeypatch.chdir(file.parent)
    images = np.random.default_rng(0).integers(0, 80, (3, 2, SIZE, SIZE), dtype=np.uint8)
    pooled = runpy.run_path(str(script), {"images": images})["pooled"]
    with torch.inference_mode():
        expected = ours.backbone(ours.intensity.standardise(torch.from_numpy(images))).pooled
    torch.testing.assert_close(torch.from_numpy(pooled), expected, **ALIKE)


def test_a_graph_with_other_features_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = exit_to_onnx._run
    monkeypatch.setattr(exit_to_onnx, "_run", lambda *given: right(*given) + 2e-3)
    with pytest.raises(UserError, match="onnxruntime gives other features"):
        export(pretrained(*LEAST), "onnx", tmp_path / "graph.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError, match=r'onnxscript is not installed.*"pixvox\[export\]"'):
        export(pretrained(*LEAST), "onnx", tmp_path / "graph.onnx")
