"""Contamination: copies are found whatever was done to them, and nobody's word is not `unseen`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from pixvox_benchmarks import contamination
from pixvox_benchmarks.contamination import duplicates, exposure, prints_of
from pixvox_benchmarks.grid import Grid
from pixvox_benchmarks.plan import plan
from pixvox_benchmarks.result import Result, results_below
from pixvox_benchmarks.runner import run
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS, prints
from pixvox_registry.cases import Cases
from pixvox_registry.errors import UserError
from pixvox_registry.prints import Prints
from pixvox_registry.scans import Scans

NONE = {"exact": 0, "near": 0}


def noise(count: int, seed: int, *sides: int) -> Tensor:
    """``[N, 1, *S]`` of grains that survive another size."""
    drawn = torch.rand(count, 1, *[6] * len(sides), generator=torch.Generator().manual_seed(seed))
    mode = "bilinear" if len(sides) == 2 else "trilinear"
    grown = torch.nn.functional.interpolate(drawn, size=list(sides), mode=mode)
    return (grown * 200).to(torch.uint8)


class Held:
    """A source of what it is given, with masks."""

    name, splits = "held", ("train", "val", "test")

    def __init__(self, images: Mapping[str, Tensor]) -> None:
        self.images = dict(images)
        self.dims = self.images["train"].ndim - 2

    def cases(self, split: str) -> Cases:
        images = self.images[split]
        return Cases(
            images=images,
            ids=tuple(f"{split}/{row}" for row in range(len(images))),
            labels={"class": torch.arange(len(images)) % 2},
            masks=(images[:, 0] > 100).to(torch.uint8),
        )

    def scans(self, split: str) -> Scans:
        return Scans.of(self.cases(split))

    def facts(self) -> Mapping[str, Any]:
        return {"sha256": contamination.fingerprint([x.tolist() for x in self.images.values()])}


def images_of(dims: int) -> dict[str, Tensor]:
    sides = (24, 22, 20)[:dims]
    return {split: noise(10, seed, *sides) for seed, split in enumerate(("train", "val", "test"))}


def task_of(images: Mapping[str, Tensor], kind: str = "classes") -> Any:
    source: Any = Held(images)
    facts: dict[str, Any] = {"source": source, "licence": "CC0-1.0", "units": "image", "flips": ()}
    if kind == "masks":
        return SegmentationTask(name="held", structures=("bright",), patch_size=8, **facts)
    return ClassificationTask(name="held", classes=("even", "odd"), **facts)


def card_of(folder: Path, *shown: Tensor) -> dict[str, str]:
    """The card of weights that were shown these images."""
    lots = [Prints.of_cases(Held({"train": images}).cases("train")) for images in shown]
    prints.write(folder / "cases.safetensors", prints.joined(lots))
    return {"prints": str(folder / "cases.safetensors")}


def reencoded(images: Tensor) -> Tensor:
    """The same pictures: flipped, their axes swapped, in another type and scale."""
    return images.transpose(2, 3).flip(2).float() / 200 - 3


def resized(images: Tensor) -> Tensor:
    """The same pictures in another size, a little brighter."""
    mode = "bilinear" if images.ndim == 4 else "trilinear"
    sides = [side + 7 for side in images.shape[2:]]
    return torch.nn.functional.interpolate(images.float(), size=sides, mode=mode) * 1.1 + 4


@pytest.mark.parametrize("kind", ["classes", "masks"])
@pytest.mark.parametrize("dims", [2, 3])
def test_a_clean_task_shares_nothing(dims: int, kind: str) -> None:
    task = task_of(images_of(dims), kind)
    assert duplicates(task) == {"train-val": NONE, "train-test": NONE, "val-test": NONE}


@pytest.mark.parametrize("kind", ["classes", "masks"])
@pytest.mark.parametrize("dims", [2, 3])
def test_test_cases_copied_into_train_are_found(dims: int, kind: str) -> None:
    images = images_of(dims)
    images["train"] = torch.cat([images["train"], images["test"][3:6].flip(-1, 2)])
    assert duplicates(task_of(images, kind))["train-test"] == {"exact": 3, "near": 0}


@pytest.mark.parametrize("dims", [2, 3])
def test_what_was_shown_is_found_whatever_its_form(dims: int, tmp_path: Path) -> None:
    images = images_of(dims)
    task = task_of(images)
    strangers = noise(5, 9, *[17] * dims)
    told = exposure(task, card_of(tmp_path, strangers))
    assert told == {"state": "unseen", "n_test": 10, "exact": 0, "near": 0, "ids": []}
    told = exposure(task, card_of(tmp_path, strangers, reencoded(images["test"][[7, 2]])))
    assert told["state"] == "seen" and (told["exact"], told["near"]) == (2, 0)
    assert told["ids"] == ["test/2", "test/7"]
    told = exposure(task, card_of(tmp_path, resized(images["test"][:7])))
    assert told["state"] == "seen" and (told["exact"], told["near"]) == (0, 7)
    assert len(told["ids"]) == contamination.NAMED


def test_what_nobody_declared_is_unknown_and_never_unseen(tmp_path: Path) -> None:
    task = task_of(images_of(2))
    unknown = {"state": "unknown", "n_test": 10}
    assert exposure(task, {}) == exposure(task, {"prints": "unknown"}) == unknown
    assert exposure(task, {"prints": "nothing"})["state"] == "unseen"
    file = tmp_path / "future.safetensors"
    from safetensors.numpy import save_file

    save_file({"exact_2d": prints_of(task)["test"].exact}, file, metadata={"scheme": "9"})
    assert exposure(task, {"prints": str(file)}) == unknown
    with pytest.raises(UserError, match="does not hold prints"):
        exposure(task, {"prints": str(tmp_path / "absent")})


def test_slices_and_volumes_may_share_what_prints_do_not_tell(tmp_path: Path) -> None:
    flat, deep = images_of(2), images_of(3)
    assert exposure(task_of(flat), card_of(tmp_path, deep["train"]))["state"] == "unknown"
    both = card_of(tmp_path, deep["train"], flat["train"])
    assert exposure(task_of(flat), both)["state"] == "unknown"
    both = card_of(tmp_path, deep["train"], flat["test"])
    assert exposure(task_of(flat), both)["state"] == "seen"


def test_prints_are_taken_once_for_all_cells_and_anew_for_other_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    images = images_of(2)
    first = prints_of(task_of(images))
    cached = next((tmp_path / "cache" / "prints").iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(contamination, "_fill", lambda *_: pytest.fail("taken again"))
        assert (prints_of(task_of(images))["test"].exact == first["test"].exact).all()
        duplicates(task_of(images))
    for file in cached.iterdir():  # a torn entry is made again
        file.write_bytes(file.read_bytes()[:20])
        assert (prints_of(task_of(images))["test"].exact == first["test"].exact).all()
        assert duplicates(task_of(images))["train-test"] == NONE
    images["test"][0, 0, 0, 0] += 1
    assert (prints_of(task_of(images))["test"].exact != first["test"].exact).sum() == 1


def in_turn(jobs: Sequence[Any], report: Callable[[Any, str | None], None]) -> None:
    """An engine without processes."""
    for job in jobs:
        job()
        report(job, None)


def test_a_result_tells_both(house: Path, tmp_path: Path) -> None:
    asked = Grid(
        methods=("guest:plain",), tasks=("squares",), protocols=("nearest",), seeds=1, budget="tiny"
    )
    planned = plan(asked, tmp_path / "out")
    assert run(planned, in_turn, threads=1, quiet=True) == {}
    (file,) = results_below(planned.results)
    result = Result.read(file)
    assert result.contamination == {"state": "unknown", "n_test": 24}, "the guest declares nothing"
    assert result.duplicates.keys() == {"train-val", "train-test", "val-test"}


def test_the_known_copies_of_real_tasks_are_told(real_data: Path) -> None:
    if not (real_data / "medmnist").is_dir():
        pytest.skip("PIXVOX_DATA lacks medmnist")
    assert duplicates(TASKS.build("breastmnist"))["train-test"]["exact"] == 1
    adrenal = duplicates(TASKS.build("adrenalmnist3d"))
    assert adrenal == {"train-val": NONE, "train-test": NONE, "val-test": NONE}


def test_cells_of_one_task_in_another_version_are_apart() -> None:
    task = task_of(images_of(2))
    assert contamination._kept(task) != contamination._kept(replace(task, version="2"))
