"""Digests of data stay the very same strings, however the code that reads it changes.

A changed one would make every published result stale. The constants were computed before cached
images stayed on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pixvox_benchmarks.held_out import HeldOut
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS
from pixvox_registry.intensity import Intensity
from pixvox_registry.source_spec import build_source

REAL = {
    "breastmnist": "9be469ecae5802dcd4ee8c3a5680e0883e7348fd4922b3f4047a3cf49effe6ac",
    "hippocampus_volume": "d9996b56d7fcc5fc97a70826390297e26869b95dfbd526dff13c36d3470fd22b",
    "isic2017": "568a9efd2dd7ee73d88140aff8e9233ecb83f90049ad9f421ad00a6bfb19cec5",
}


def grey(number: int) -> np.ndarray:
    return ((np.arange(64).reshape(8, 8) * (number + 3)) % 251).astype(np.uint8)


def labelled(folder: Path) -> Any:
    for number in range(10):
        file = folder / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey(number)).save(file)
    return SOURCES.build("image_folder", str(folder), image_size=8, labelled=True)


class Twice:
    """The same cases as train and as test, under other names."""

    dims, name, splits = 2, "twice", ("train", "test")

    def __init__(self, source: Any) -> None:
        self.source = source

    def cases(self, split: str) -> Any:
        cases = self.source.cases("train")
        return replace(cases, ids=tuple(f"{split}/{case}" for case in cases.ids))

    def facts(self) -> Mapping[str, Any]:
        return self.source.facts()


def test_of_an_image_folder_and_a_task_of_it(tmp_path: Path) -> None:
    source = labelled(tmp_path / "scans")
    assert (
        source.facts()["sha256"]
        == "d7108e73ee8639266a995a49fead97f0596af0e85aa3732c7bce41ccdb6b8893"
    )
    held_out = HeldOut(Twice(source))
    assert (
        held_out.facts()["sha256"]
        == "617efe08700219d18dedc0091486906a41d915d92cfadea0eb97d182cd5dde15"
    )
    task = ClassificationTask(
        name="toy",
        source=held_out,
        classes=("a", "b"),
        licence="CC0-1.0",
        units="image",
        flips=(0,),
    )
    assert task.fingerprint() == "18f9edf9f016e96909d9b01ae97fd467c6b62c31780c44b9314fcb329fa4ac2e"


def test_of_images_with_masks(tmp_path: Path) -> None:
    for number in range(3):
        for folder, image in (("images", grey(number)), ("masks", (grey(number) > 99) * 255)):
            file = tmp_path / "set" / folder / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.astype(np.uint8)).save(file)
    source = build_source(f"image_mask_folder:{tmp_path / 'set'},channels=1,image_size=8")
    assert (
        source.facts()["sha256"]
        == "656f7361278f6e9f9bd7b59b93698acec570222100b6352914f145ca869d0bc4"
    )


def test_of_phantoms() -> None:
    assert (
        build_source("phantoms:shapes_3d,count=8").facts()["sha256"]
        == "d7b03e2ee74958ef7c43b5714be726dd33041d1951b3993bc61b5567b3a41501"
    )


def test_the_scale_of_a_cached_folder_keeps_its_last_bits(tmp_path: Path) -> None:
    cases = labelled(tmp_path / "scans").cases("train")
    assert repr(Intensity.of(cases).std) == "(71.18470196912813,)"
    small = cases.resized(5)
    assert repr(Intensity.of(small).mean) == "(112.26,)"
    assert int(small.images[:].long().sum()) == 28065


@pytest.mark.parametrize("name", sorted(REAL))
def test_of_real_tasks(real_data: Path, name: str) -> None:
    folder = {"breastmnist": "medmnist", "hippocampus_volume": "Task04_Hippocampus"}.get(name, name)
    if not (real_data / folder).is_dir():
        pytest.skip(f"PIXVOX_DATA has no {folder}")
    assert TASKS.build(name).fingerprint() == REAL[name]
