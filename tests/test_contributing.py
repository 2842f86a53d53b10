"""CONTRIBUTING as it stands: its guest distribution is built, installed, found and trained."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the guest of CONTRIBUTING is installed beside us."""
    source, site = tmp_path_factory.mktemp("guest"), tmp_path_factory.mktemp("site")
    for name, text in BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text()):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
    (source / "guest/__init__.py").write_text('"""A guest."""\n')
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run(
        [*install, "--no-build-isolation", "--target", str(site), str(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {**os.environ, "PYTHONPATH": str(site)}


def pixvox(guest: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pixvox_registry", *words], env=guest, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_guest_is_listed_with_its_distribution(guest: dict[str, str]) -> None:
    rows = json.loads(pixvox(guest, "list", "--json"))
    found = {(row["kind"], row["name"]) for row in rows if row["from"] == "pixvox-guest"}
    assert found == {
        ("losses", "alignment_uniformity"),
        ("clustering", "soft_means"),
        ("backbones", "three_layers"),
        ("tasks", "phantom_few"),
    }
    described = json.loads(pixvox(guest, "describe", "losses", "alignment_uniformity", "--json"))
    assert described["distribution"] == "pixvox-guest 0.1.0"


@pytest.mark.parametrize("dims", [2, 3])
def test_the_guests_loss_backbone_and_clustering_train(
    dims: int, guest: dict[str, str], tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        """
views: {name: two_crops}
backbone: {name: three_layers}
momentum: 0.99
objectives:
  sphere: {projector: {name: mlp}, loss: {name: alignment_uniformity}}
  means:
    projector: sphere.projector
    clustering: {name: soft_means}
    loss: {name: alignment_uniformity}
optimizer: {name: adamw, lr: 1e-3}
"""
    )
    out = tmp_path / "run"
    pixvox(
        guest, "pretrain", str(recipe), "--data", f"phantoms:shapes_{dims}d,count=40",
        "--budget", "tiny", "--batch", "16", "--epochs", "3", "--out", str(out), "--quiet",
    )  # fmt: skip
    card = json.loads((out / "weights/card.json").read_text())
    assert card["plugins"]["loss/alignment_uniformity"].startswith("pixvox-guest 0.1.0 ")
    assert card["plugins"]["backbone/three_layers"].startswith("pixvox-guest 0.1.0 ")


def test_the_guests_task_is_measured(guest: dict[str, str], tmp_path: Path) -> None:
    pixvox(
        guest, "benchmark", "--methods", "random_init", "--tasks", "phantom_few",
        "--protocols", "knn_probe", "--seeds", "1", "--budget", "tiny", "--out", str(tmp_path),
        "--quiet",
    )  # fmt: skip
    results = [p for p in (tmp_path / "results").rglob("*.json") if "cases" not in p.name]
    assert len(results) == 1 and json.loads(results[0].read_text())["task"] == "phantom_few"
