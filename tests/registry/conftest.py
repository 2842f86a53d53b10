"""Small data sets on disk, sound until a test plants a fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from pixvox_registry.faults.finding import Finding
from pixvox_registry.faults.verify import verify

SIDES = (10, 12, 9)


def oblique(degrees: float = 10.0, spacing: tuple[float, ...] = (1.0, 1.5, 2.0)) -> np.ndarray:
    """An affine turned about its third axis."""
    angle = np.radians(degrees)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = (-20.0, 15.0, 7.5)
    return affine


def voxels(seed: int, sides: tuple[int, ...] = SIDES) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1000, 1000, sides).astype(np.int16)


def labels(seed: int, sides: tuple[int, ...] = SIDES) -> np.ndarray:
    """0, 1 and 2, and each of them."""
    drawn = np.random.default_rng(seed + 1000).integers(0, 3, sides).astype(np.uint8)
    drawn.ravel()[:3] = (0, 1, 2)
    return drawn


def save(file: Path, values: np.ndarray, affine: np.ndarray, **header: Any) -> Path:
    """A NIfTI file whose sform and qform agree; ``header`` holds fields to be set last."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(values, affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, file)
    return file


@dataclass
class Study:
    """A task of the Decathlon, with as many pairs as are asked for."""

    root: Path
    pairs: int = 3
    affine: np.ndarray = field(default_factory=oblique)
    listed: list[dict[str, str]] = field(default_factory=list)

    def write(self) -> Study:
        for number in range(self.pairs):
            save(self.image(number), voxels(number), self.affine)
            save(self.label(number), labels(number), self.affine)
            names = {"image": self.image(number), "label": self.label(number)}
            listed = {key: f"./{file.relative_to(self.root)}" for key, file in names.items()}
            self.listed.append(listed)
        self.describe()
        return self

    def describe(self, **changes: Any) -> None:
        held = {
            "modality": {"0": "MRI"},
            "labels": {"0": "background", "1": "left", "2": "right"},
            "training": self.listed,
            "test": [],
            **changes,
        }
        (self.root / "dataset.json").write_text(json.dumps(held))

    def image(self, number: int) -> Path:
        return self.root / "imagesTr" / f"case_{number}.nii.gz"

    def label(self, number: int) -> Path:
        return self.root / "labelsTr" / f"case_{number}.nii.gz"

    def findings(self) -> list[Finding]:
        return list(verify(self.root, quiet=True).findings)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    root = tmp_path / "Task99_Study"
    root.mkdir()
    return Study(root).write()


@pytest.fixture
def store() -> Callable[..., Path]:
    """``save`` of this file, for tests that lay out a folder of their own."""
    return save


@pytest.fixture
def turned() -> Callable[..., np.ndarray]:
    """``oblique`` of this file."""
    return oblique
