"""Packing: the same bytes twice, installed offline, loaded elsewhere; refused for its terms."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import pixvox_zoo
from pixvox_registry import UserError, prints
from pixvox_registry.artifacts import canonical_json, fingerprint
from pixvox_registry.prints import Prints
from pixvox_registry.source_spec import build_source
from pixvox_zoo import packing, weights_card
from pixvox_zoo.measured import scores_of
from pixvox_zoo.packing import Parcel, pack

from .card_editing import rewrite

Publish = Callable[..., Path]
PARCEL = Parcel(name="toy-resnet", version="1.0.0", licence="cc-by-4.0", data_licence="CC0-1.0")


@pytest.fixture
def run(tmp_path: Path, publish_weights: Publish) -> Path:
    """A run folder, its weights in ``weights``."""
    return publish_weights(tmp_path / "run", "conv_encoder").parent


def python_in(place: Path) -> Path:
    """The python of a new environment that sees what is installed here."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    paths = [sysconfig.get_path("purelib"), *(p for p in sys.path if p.endswith(ROOMS))]
    (packages / "here.pth").write_text("\n".join(paths))
    return place / "bin" / "python"


ROOMS = ("/registry", "/zoo", "/benchmarks", "/leaderboards")
LOAD = """
import json, sys, torch, pixvox_zoo
from safetensors.torch import load_file
pretrained = pixvox_zoo.load("toy-resnet")
golden = load_file(sys.argv[1])
with torch.inference_mode():
    came = pretrained.backbone(golden["input"]).pooled
print(json.dumps([torch.equal(came, golden["output"]), pretrained.card["licence"]]))
"""


def test_pack_install_load_gives_the_same_bits(tmp_path: Path, run: Path) -> None:
    wheel, again = (pack(run, PARCEL, tmp_path / str(n)) for n in (1, 2))
    assert wheel.read_bytes() == again.read_bytes()
    python = python_in(tmp_path / "elsewhere")
    offline = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index"]
    done = subprocess.run([*offline, str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    environment = {**os.environ, "PYTHONPATH": ""}
    loaded = subprocess.run(
        [python, "-c", LOAD, run / "weights/golden.safetensors"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout) == [True, "CC-BY-4.0"]
    listed = subprocess.run(
        [python, "-m", "pixvox_registry", "weights", "--verify", "--json"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    (row,) = [row for row in json.loads(listed.stdout) if row["name"] == "toy-resnet"]
    assert (row["state"], row["distribution"]) == ("works", "pixvox-weights-toy-resnet 1.0.0")
    (stored,) = (tmp_path / "elsewhere").rglob("pixvox_weights_toy_resnet/backbone.safetensors")
    content = stored.read_bytes()
    stored.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    torn = subprocess.run(
        [python, "-c", LOAD, run / "weights/golden.safetensors"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert torn.returncode and "another sha256" in torn.stderr


def test_a_wheel_holds_what_was_packed(tmp_path: Path, run: Path) -> None:
    wheel = pack(run, PARCEL, tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = {name.split("/")[-1] for name in archive.namelist()}
        archive.extractall(tmp_path / "out")
    inside = tmp_path / "out/pixvox_weights_toy_resnet"
    assert {"README.md", "LICENSE", "card.json", "backbone.safetensors", "METADATA"} <= names
    card = weights_card.read_card(inside)
    assert (
        card["made_from"]
        == weights_card.read_card(run / "weights")["sha256"]["backbone.safetensors"]
    )
    again = pack(inside, PARCEL, tmp_path / "again")  # what they were made from stays the origin
    assert again.read_bytes() == wheel.read_bytes()
    assert card["requires_pixvox"] == packing.range_of(weights_card.version("pixvox"))
    assert "pip install pixvox-weights-toy-resnet==1.0.0" in (inside / "README.md").read_text()


@pytest.mark.parametrize("fault", ["dropped", "changed", "added"])
def test_a_wheel_that_lacks_or_adds_something_is_refused(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    build = packing.build

    def faulty(project: Path) -> Path:
        if fault == "dropped":
            hidden = project / "pixvox_weights_toy_resnet/backbone.safetensors"
            kept = hidden.read_bytes()
            hidden.unlink()
        wheel = build(project)
        if fault == "dropped":
            hidden.write_bytes(kept)
        else:
            name = "README.md" if fault == "changed" else "extra.py"
            with zipfile.ZipFile(wheel) as archive:
                held = {n: archive.read(n) for n in archive.namelist()}
            held[f"pixvox_weights_toy_resnet/{name}"] = b"other"
            with zipfile.ZipFile(wheel, "w") as archive:
                for member, content in held.items():
                    archive.writestr(member, content)
        return wheel

    monkeypatch.setattr(packing, "build", faulty)
    said = {"dropped": "backbone.safetensors", "changed": "README.md", "added": "extra.py"}[fault]
    with pytest.raises(UserError, match=f"does not hold what was packed: .*{said}"):
        pack(run, PARCEL, tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Toy_Resnet"}, "lower case letters"),
        ({"name": "../toy"}, "lower case letters"),
        ({"version": "one"}, "A version is as"),
        ({"licence": "free for all"}, "SPDX"),
        ({"data_licence": ""}, "licence of none, .* is 'unknown'"),
        ({"data_licence": "research only"}, "its terms are not settled"),
        ({"data_licence": "CC-BY-NC-4.0"}, "for non-commercial use"),
        ({"data_licence": "CC-BY-NC-4.0", "licence": "MIT OR CC-BY-NC-4.0"}, "non-commercial"),
        ({"data_licence": "CC-BY-ND-4.0"}, "without derivatives"),
        ({"data_licence": "CC-BY-SA-4.0"}, "to share alike"),
    ],
)
def test_faulty_names_and_terms_are_refused(
    tmp_path: Path, run: Path, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        pack(run, replace(PARCEL, **changes), tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("terms", ["CC-BY-NC-4.0", "CC-BY-SA-4.0", "CC-BY-SA 4.0"])
def test_data_and_weights_of_one_licence_go_together(tmp_path: Path, run: Path, terms: str) -> None:
    licence = terms.replace(" ", "-")
    assert pack(run, replace(PARCEL, licence=licence, data_licence=licence), tmp_path).is_file()


def test_a_licence_that_the_card_knows_is_not_talked_away(run: Path) -> None:
    card = json.loads((run / "weights/card.json").read_text())
    card["data"]["licence"] = "CC BY-NC 4.0"
    with pytest.raises(UserError, match=r"CC-BY-NC-4.0, for non-commercial"):
        packing.card_of(card, PARCEL.checked())


@pytest.mark.parametrize("told", ["prints", "nothing", "unknown"])
@pytest.mark.parametrize("dims", [2, 3])
def test_what_was_shown_is_told_by_packed_and_adapted_weights(
    tmp_path: Path, publish_weights: Publish, told: str, dims: int
) -> None:
    cases = build_source("phantoms:shapes_2d,count=8").cases("train")
    shown = {"prints": {2: Prints.of_cases(cases)}, "nothing": {}, "unknown": None}[told]
    whole = publish_weights(tmp_path, "conv_encoder", shown=shown)
    with zipfile.ZipFile(pack(whole, replace(PARCEL, half=True), tmp_path)) as archive:
        archive.extractall(tmp_path / "out")
    card = pixvox_zoo.load(tmp_path / "out/pixvox_weights_toy_resnet", dims=dims).card
    if told != "prints":
        assert card["prints"] == told
        return
    held = prints.read(Path(card["prints"]))
    assert held is not None and held[2].exact.tolist() == shown[2].exact.tolist()


def test_numbers_that_float16_does_not_hold_are_refused(
    tmp_path: Path, publish_weights: Publish
) -> None:
    def grow(tensors: dict[str, torch.Tensor]) -> None:
        next(t for name, t in tensors.items() if name.endswith("running_var")).fill_(1e5)

    whole = publish_weights(tmp_path, "resnet", change=grow)
    with pytest.raises(UserError, match="As float16 these weights give other features"):
        pack(whole, replace(PARCEL, half=True), tmp_path / "dist")
    with pytest.raises(UserError, match="holds NaN or infinity in "):
        publish_weights(
            tmp_path / "nan", "resnet", change=lambda t: next(iter(t.values())).fill_(math.nan)
        )


def test_rounded_weights_are_half_as_large_and_give_their_own_output(
    tmp_path: Path, publish_weights: Publish
) -> None:
    whole = publish_weights(tmp_path, "resnet")
    with zipfile.ZipFile(pack(whole, replace(PARCEL, half=True), tmp_path)) as archive:
        archive.extractall(tmp_path / "out")
    rounded = tmp_path / "out/pixvox_weights_toy_resnet"
    sizes = [(f / "backbone.safetensors").stat().st_size for f in (rounded, whole)]
    assert sizes[0] < 0.55 * sizes[1]
    before, after = pixvox_zoo.load(whole), pixvox_zoo.load(rounded)
    assert after.card["stored"] == "float16" and before.card["stored"] == "float32"
    images = torch.randn(4, 1, 28, 28)
    with torch.inference_mode():
        expected, came = (p.backbone(images).pooled for p in (before, after))
    assert 0 < float((came - expected).abs().max()) < 1e-2 * float(expected.abs().max())
    assert all(p.dtype == torch.float32 for p in after.backbone.parameters())


@pytest.mark.parametrize(
    ("wanted", "fits"), [(">=0.1,<99", True), (">=99", False), ("<0.1", False)]
)
def test_weights_of_other_versions_are_refused(run: Path, wanted: str, fits: bool) -> None:
    rewrite(run / "weights", {"requires_pixvox": wanted})
    if fits:
        pixvox_zoo.load(run / "weights")
        return
    with pytest.raises(UserError, match=f"is for pixvox {wanted}"):
        pixvox_zoo.load(run / "weights")


def test_scores_come_from_results_of_these_very_weights(tmp_path: Path) -> None:
    result: dict[str, Any] = {
        **{"task": "t", "protocol": "p", "seed": 0, "method": "m", "key": "k", "n_scored": 9},
        **{"metrics": ["auc"], "scores": {"auc": 0.75}, "budget": {"name": "tiny"}},
        **{"intervals": {"auc": {"low": 0.5, "high": 1.0}}, "weights_sha256": "abc"},
        "provenance": {"weights": {"wall_seconds": 1.0}},
    }
    file = tmp_path / "t/p/m.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(canonical_json({**result, "sha256": fingerprint(result)}))
    for number, other in enumerate(({}, {"provenance": []}, {"provenance": {"weights": None}})):
        strange = {"weights_sha256": "abc", **other}  # of another kind, or drawn by the protocol
        (tmp_path / f"{number}.json").write_bytes(canonical_json(strange))
    (line,) = scores_of(tmp_path, {"abc"})
    assert (line["score"], line["low"], line["n"], line["contamination"]) == (
        0.75,
        0.5,
        9,
        "unknown",
    )
    with pytest.raises(UserError, match="was measured of these weights"):
        scores_of(tmp_path, {"abd"})
    file.write_bytes(file.read_bytes().replace(b"0.75", b"0.85"))
    with pytest.raises(UserError, match="was edited"):
        scores_of(tmp_path, {"abc"})
