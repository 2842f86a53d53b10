"""The README as it stands: its ten lines run, and a user's own folder becomes weights that load."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import pixvox_zoo

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    fenced = [part.split("\n", 1) for part in README.split("```")[1::2]]
    return [text for label, text in fenced if label == language]


def test_ten_lines_give_a_first_number(tmp_path: Path) -> None:
    script = blocks("python")[0]
    assert len([line for line in script.splitlines() if line.strip()]) <= 11
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^auc 0\.\d+ \[0\.\d+, [01]\.\d+\]$", done.stdout, re.MULTILINE)


def run(command: str, place: Path) -> subprocess.CompletedProcess[str]:
    """A line of the README, in a folder."""
    words = shlex.split(command)
    assert words[0] == "pixvox"
    words = [sys.executable, "-m", "pixvox_registry", *words[1:]]
    return subprocess.run(words, cwd=place, capture_output=True, text=True)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of photographs of nothing, in sub-folders, of several sizes."""
    dice = np.random.default_rng(0)
    for number in range(24):
        file = tmp_path / "scans" / f"day{number % 3}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        size = (40 + number, 50)
        Image.fromarray(dice.integers(0, 255, size, dtype=np.uint8)).save(file)
    return tmp_path / "scans"


def test_a_folder_of_images_becomes_weights_that_load(scans: Path) -> None:
    commands = [
        line.split("  #")[0].strip()
        for block in blocks("")
        for line in block.splitlines()
        if "image_folder:scans" in line
    ]
    assert len(commands) == 4
    for command in commands:
        short = command.replace("--epochs 50", "--epochs 2").replace(
            "--image-size 64", "--image-size 32"
        )
        done = run(short, scans.parent)
        assert done.returncode == 0, done.stderr
    assert (scans.parent / "scans.png").stat().st_size > 1000
    pretrained = pixvox_zoo.load(scans.parent / "runs/scans/weights")
    images = torch.randint(0, 255, (3, 1, 32, 32), dtype=torch.uint8)
    features = pretrained.backbone(pretrained.intensity.standardise(images)).pooled
    assert features.shape == (3, 512) and features.isfinite().all()
    assert pretrained.card["data"]["verified"] is not None
    check_that_they_are_packed(scans.parent)


def check_that_they_are_packed(place: Path) -> None:
    """The README's wheel, by its command, holds weights that serve volumes as well."""
    block = next(block for block in blocks("") if block.startswith("pixvox pack"))
    pack, install, _ = (line.split("  #")[0].strip() for line in block.splitlines())
    done = run(pack, place)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(place / install.removeprefix("pip install ")) as wheel:
        wheel.extractall(place / "wheel")
    volumes = pixvox_zoo.load(place / "wheel/pixvox_weights_simclr_scans", dims=3, in_channels=1)
    assert volumes.report["adapted"]
