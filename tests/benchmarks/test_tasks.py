"""Tasks: what they refuse, what their fingerprint notices, and the real ones where data stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pixvox_benchmarks.task import SPLITS, ClassificationTask
from pixvox_registry import TASKS, UserError
from pixvox_registry.cases import Cases
from pixvox_registry.places import data_root

REAL = {
    "breastmnist": ("breastmnist", (546, 78, 156), True),
    "pneumoniamnist_reconstructed": ("pneumoniamnist_reconstructed", (4708, 524, 624), False),
    "adrenalmnist3d": ("adrenalmnist3d", (1188, 98, 298), True),
}
PHANTOMS = [f"phantom_{what}_{dims}d" for what in ("shapes", "texture") for dims in (2, 3)]


@dataclass(frozen=True)
class Given:
    splits_given: Mapping[str, Cases]
    dims: int = 2
    name: str = "given"
    splits: tuple[str, ...] = SPLITS

    def cases(self, split: str) -> Cases:
        return self.splits_given[split]

    def facts(self) -> Mapping[str, Any]:
        return {}


def cases(split: str, count: int = 6, **changes: Any) -> Cases:
    images = torch.arange(count * 16, dtype=torch.uint8).view(count, 1, 4, 4)
    whole = Cases(
        images=images,
        ids=tuple(f"{split}/{i}" for i in range(count)),
        labels={"class": torch.arange(count) % 2},
        patients=tuple(f"{split}-{i}" for i in range(count)),
    )
    return replace(whole, **changes)


def task(**changed: Cases) -> ClassificationTask:
    return ClassificationTask(
        name="toy",
        source=Given({split: cases(split) for split in SPLITS} | changed),
        classes=("benign", "malignant"),
        licence="CC0-1.0",
        units="patient",
        flips=(0, 1),
    )


def test_a_sound_task_gives_its_cases_and_refuses_a_fourth_split() -> None:
    assert [len(task().cases(split)) for split in SPLITS] == [6, 6, 6]
    assert task().dims == 2
    with pytest.raises(UserError, match=r"No split is called 'tests'.*Did you mean 'test'"):
        task().cases("tests")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (cases("test", labels={"class": torch.ones(6, dtype=torch.int64)}), "one class in test"),
        (cases("test", count=0), "the split is empty"),
        (cases("test", labels={"lesion": torch.arange(6) % 2}), "brings lesion"),
        (cases("test", labels={"class": torch.arange(6) % 3}), r"classes 0 to 1 .*also has \[2\]"),
        (cases("test", labels={"class": torch.arange(6) % 2 - 1}), r"also has \[-1\]"),
        (
            cases("test", patients=("train-3", "train-1", *"abcd")),
            "every patient in one split only; 2 stand in two: train-1, train-3",
        ),
        (cases("test", ids=("val/0", *"abcde")), "every case in one split only; 1 .*: val/0"),
    ],
)
def test_a_faulty_split_is_refused_whichever_is_asked_for(changed: Cases, message: str) -> None:
    with pytest.raises(UserError, match=message):
        task(test=changed).cases("train")


def one_pixel() -> Cases:
    images = cases("val").images.clone()
    images[3, 0, 2, 2] ^= 1
    return cases("val", images=images)


@pytest.mark.parametrize(
    "changed",
    [
        one_pixel,
        lambda: cases("val", ids=("val/x", *(f"val/{i}" for i in range(1, 6)))),
        lambda: cases("val", labels={"class": torch.tensor([1, 0, 0, 1, 0, 1])}),
        lambda: cases("val", count=7),
        lambda: cases("val", images=cases("val").images.view(6, 1, 2, 8)),
    ],
)
def test_any_edit_of_the_data_changes_the_fingerprint(changed: Callable[[], Cases]) -> None:
    assert task().fingerprint() == task().fingerprint()
    assert task(val=changed()).fingerprint() != task().fingerprint()
    assert replace(task(), version="2").fingerprint() != task().fingerprint()


def test_phantom_tasks_are_balanced_and_marked_as_by_patient() -> None:
    assert set(PHANTOMS) | set(REAL) <= set(TASKS)
    made = TASKS.build("phantom_shapes_2d")
    for split, count in zip(SPLITS, (600, 300, 300), strict=True):
        classes = made.cases(split).labels["class"]
        assert classes.bincount().tolist() == [count // 4] * 4
    assert made.units == "patient"


@pytest.mark.parametrize("name", sorted({*PHANTOMS, *REAL}))
def test_a_task_bears_the_name_of_its_file_and_ranks_by_auc(name: str) -> None:
    built = TASKS.build(name)
    assert built.name == name
    assert built.metrics[0] == "auc"
    assert built.dims == (3 if name.endswith("3d") else 2)


@pytest.mark.parametrize("name", REAL)
def test_real_tasks_have_the_official_counts_and_say_if_unverified(name: str) -> None:
    file, counts, verified = REAL[name]
    if not (data_root() / "medmnist" / f"{file}.npz").is_file():
        pytest.skip(f"PIXVOX_DATA has no medmnist/{file}.npz")
    real = TASKS.build(name)
    assert tuple(len(real.cases(split)) for split in SPLITS) == counts
    assert real.source.facts()["verified"] is verified
    assert real.units == "image"


def test_missing_data_says_which_file_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path))
    with pytest.raises(UserError, match=r"breastmnist\.npz"):
        TASKS.build("breastmnist").fingerprint()
