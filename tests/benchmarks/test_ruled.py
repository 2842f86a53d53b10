"""Splits by rule of a source: apart by patient, whatever the order, and never over its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from pixvox_benchmarks.ruled import Ruled
from pixvox_registry import UserError
from pixvox_registry.cases import Cases
from pixvox_registry.scans import Scans

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Given:
    """Two images of each patient, and an official test if asked for."""

    patients: tuple[str, ...]
    splits: tuple[str, ...] = ("train",)
    known: bool = True
    dims: int = 2
    name: str = "given"

    def cases(self, split: str) -> Cases:
        owners = [p for p in self.patients for _ in range(2)] if split == "train" else ["t", "u"]
        images = torch.arange(len(owners) * 4, dtype=torch.uint8).view(-1, 1, 2, 2)
        return Cases(
            images=images,
            ids=tuple(f"{split}/{owner}/{i % 2}" for i, owner in enumerate(owners)),
            masks=images[:, 0],
            patients=tuple(owners) if self.known else None,
        )

    def scans(self, split: str) -> Scans:
        return Scans.of(self.cases(split))

    def facts(self) -> Mapping[str, Any]:
        return {"sha256": "0" * 64}


PATIENTS = tuple(f"p{i:02d}" for i in range(20))


def test_patients_stay_together_and_none_is_lost() -> None:
    ruled = Ruled(Given(PATIENTS), rule="toy")
    cases = {split: ruled.cases(split) for split in SPLITS}
    assert [len(found) for found in cases.values()] == [24, 6, 10]
    owners = [set(found.patients or ()) for found in cases.values()]
    assert sum(map(len, owners)) == 20 and set.union(*owners) == set(PATIENTS)
    assert ruled.splits == SPLITS
    for split in SPLITS:
        assert ruled.scans(split).ids == cases[split].ids


def test_the_order_on_disk_decides_nothing_and_the_rule_everything() -> None:
    one, other = (Ruled(Given(p), rule="toy") for p in (PATIENTS, PATIENTS[::-1]))
    for split in SPLITS:
        assert set(one.cases(split).ids) == set(other.cases(split).ids)
    again = Ruled(Given(PATIENTS), rule="other")
    assert set(again.cases("test").ids) != set(one.cases("test").ids)
    assert again.facts()["sha256"] != one.facts()["sha256"]


def test_without_patients_cases_are_shared_out() -> None:
    ruled = Ruled(Given(PATIENTS, known=False), rule="toy")
    assert [len(ruled.cases(split)) for split in SPLITS] == [24, 6, 10]
    assert ruled.cases("train").patients is None


def test_an_official_test_stays_and_train_alone_is_shared_out() -> None:
    source = Given(PATIENTS, splits=("train", "test"))
    ruled = Ruled(source, rule="toy", shares={"train": 0.8, "val": 0.2})
    assert ruled.splits == ("train", "val", "test")
    assert ruled.cases("test").ids == source.cases("test").ids == ruled.scans("test").ids
    assert [len(ruled.cases(split)) for split in SPLITS] == [32, 8, 2]


def test_a_split_of_its_own_is_not_drawn_over() -> None:
    ruled = Ruled(Given(PATIENTS, splits=("train", "test")), rule="toy")
    for read in (ruled.cases, ruled.scans):
        with pytest.raises(UserError, match="drawn by a rule, and it brings test of its own"):
            read("train")
