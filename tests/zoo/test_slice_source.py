"""The slices of volumes as images: which they are, what they are called, and where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from pixvox_registry import UserError
from pixvox_registry.cases import Cases
from pixvox_registry.source_spec import build_source
from pixvox_registry.stored import OpenFile, Stored
from pixvox_zoo.slice_source import SliceSource


class Shelf:
    """Four volumes of two channels; what the slices hold is told by their place."""

    dims, name, splits = 3, "shelf", ("train",)

    def __init__(self, *, patients: tuple[str, ...] | None = None) -> None:
        self.patients = patients
        self.images: Any = torch.arange(4 * 2 * 5 * 3 * 3, dtype=torch.int16).view(4, 2, 5, 3, 3)
        self.images[0, :, 2] = 7  # empty in both channels
        self.images[3, 0, 4] = 0  # in one: not empty
        self.images[2, 0, 1], self.images[2, 1, 1] = 3, 9  # empty, each channel with its value

    def cases(self, split: str) -> Cases:
        return Cases(
            images=self.images,
            ids=("a", "b", "c", "d"),
            labels={"class": torch.tensor([0, 1, 1, 0])},
            patients=self.patients,
            spacing_mm=(5.0, 1.0, 2.0),
            value_range=(-10.0, 500.0),
        )

    def facts(self) -> dict[str, Any]:
        return {"dataset": "shelf", "sha256": "0" * 64, "verified": True}


def test_slices_are_those_of_the_first_axis_and_empty_ones_are_told() -> None:
    shelf = Shelf()
    source = SliceSource(shelf)
    assert source.facts()["slices"]["empty_left_out"] == {}
    cases = source.cases("train")
    expected = [
        (f"{case}#{slice}", shelf.images[row, :, slice], label)
        for row, (case, label) in enumerate(zip("abcd", (0, 1, 1, 0), strict=True))
        for slice in range(5)
        if (case, slice) not in {("a", 2), ("c", 1)}
    ]
    assert cases.ids == tuple(name for name, _, _ in expected)
    assert torch.equal(cases.images, torch.stack([image for _, image, _ in expected]))
    assert cases.labels["class"].tolist() == [label for _, _, label in expected]
    assert cases.patients == tuple(name[0] for name in cases.ids)
    assert (cases.dims, cases.spacing_mm, cases.value_range) == (2, (1.0, 2.0), (-10.0, 500.0))
    assert cases.images.dtype == torch.int16
    facts = source.facts()
    assert facts["slices"] == {"axis": 0, "empty_left_out": {"train": 2}}
    assert facts["sha256"] != shelf.facts()["sha256"] and len(facts["sha256"]) == 64
    known = SliceSource(Shelf(patients=("p", "p", "q", "q"))).cases("train")
    assert known.patients == tuple("ppqq"["abcd".index(name[0])] for name in known.ids)


def test_more_volumes_than_are_cut_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = SliceSource(Shelf()).cases("train")
    monkeypatch.setattr("pixvox_registry.stored.ROWS_AT_ONCE", 3)
    pieces = SliceSource(Shelf()).cases("train")
    assert pieces.ids == whole.ids and torch.equal(pieces.images, whole.images)


def test_slices_of_volumes_on_disk_stay_there(tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.images = shelf.images[:, 1:]
    expected = SliceSource(shelf).cases("train").images
    file = tmp_path / "volumes"
    file.write_bytes(shelf.images[[3, 1, 0, 2]].contiguous().numpy().tobytes())
    shelf.images = Stored(OpenFile(file), torch.int16, (1, 5, 3, 3), (2, 1, 3, 0))
    cases = SliceSource(shelf).cases("train")
    assert isinstance(cases.images, Stored) and cases.images.shape == expected.shape
    assert torch.equal(cases.images[:], expected)
    assert cases.resized(2).images.shape == (len(expected), 1, 2, 2)


def test_images_and_volumes_without_content_are_refused() -> None:
    with pytest.raises(UserError, match=r"are 2D\. Take the method without"):
        SliceSource(build_source("phantoms:shapes_2d,count=4")).cases("train")
    blank = Shelf()
    blank.images.zero_()
    with pytest.raises(UserError, match="Every slice of train of shelf has one value"):
        SliceSource(blank).cases("train")
