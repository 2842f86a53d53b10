"""Label fractions: by patient, stratified, nested, and never a class of a single case."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from pixvox_benchmarks.examination import learnt
from pixvox_benchmarks.label_fraction import NotApplicable, asked, rows_of
from pixvox_benchmarks.request import protocol_facts
from pixvox_benchmarks.sight import sees
from pixvox_registry import TASKS, UserError
from pixvox_registry.source_code import digest_of_plugin

TARGET = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)[torch.randperm(100)]


def test_a_fraction_is_part_of_what_is_asked() -> None:
    assert sees("linear_probe@10%") == "features" and sees("finetune@1%") == "cases"
    assert protocol_facts("linear_probe@10%") == {
        **protocol_facts("linear_probe"),
        "label_fraction": 0.1,
        "drawn_by": digest_of_plugin("pixvox_benchmarks.label_fraction", alone=True),
    }
    assert asked("knn_probe@0.5%") == ("knn_probe", 0.005)


@pytest.mark.parametrize(
    "wrong", ["@", "@10", "@0%", "@100%", "@101%", "@10.0%", "@1e1%", "@x%", "@-5%", "@nan%"]
)
def test_what_is_no_percentage_is_refused(wrong: str) -> None:
    with pytest.raises(UserError, match="label fraction"):
        asked(f"linear_probe{wrong}")


def test_every_class_gives_its_share_and_seeds_differ() -> None:
    drawn = [rows_of(TARGET, 0.2, patients=None, seed=seed) for seed in range(3)]
    for rows in drawn:
        assert torch.bincount(TARGET[rows]).tolist() == [12, 6, 2]
        assert rows == sorted(set(rows))
    assert drawn[0] != drawn[1] != drawn[2]
    assert rows_of(TARGET, 0.2, patients=None, seed=0) == drawn[0]
    assert rows_of(TARGET, 1.0, patients=None, seed=0) == list(range(100))


def test_a_larger_fraction_holds_the_smaller_ones_of_its_seed() -> None:
    fractions = [set(rows_of(TARGET, share, patients=None, seed=1)) for share in (0.2, 0.4, 0.8, 1)]
    assert all(small < large for small, large in pairwise(fractions))


def test_a_patient_comes_whole_or_not_at_all() -> None:
    patients = [f"p{row // 4}" for row in range(200)]
    target = (torch.arange(200) // 4) % 2
    rows = rows_of(target, 0.1, patients=patients, seed=0)
    counts = {patient: sum(patients[row] == patient for row in rows) for patient in patients}
    assert set(counts.values()) == {0, 4}
    assert torch.bincount(target[rows]).tolist() == [8, 8]


def test_labels_of_which_several_hold_are_drawn_from_the_rarest_on() -> None:
    draws = torch.Generator().manual_seed(0)
    table = (torch.rand(400, 3, generator=draws) < torch.tensor([0.05, 0.4, 0.3])).long()
    rows = rows_of(table, 0.25, patients=None, seed=0)
    rare = int(table[:, 0].sum())
    assert int(table[rows][:, 0].sum()) == round(0.25 * rare)
    assert abs(len(rows) - 100) <= 2


def test_fewer_than_two_cases_of_a_class_are_not_applicable() -> None:
    with pytest.raises(NotApplicable, match="leaves 1 of class 2; 2 are needed"):
        rows_of(TARGET, 0.1, patients=None, seed=0)


def test_a_protocol_learns_from_the_share_alone_of_cases_and_of_scans() -> None:
    shapes, organs = TASKS.build("phantom_shapes_2d"), TASKS.build("phantom_organs_2d")
    for task, whole in ((shapes, shapes.cases("train")), (organs, organs.scans("train"))):
        protocol = "linear_probe" if task is shapes else "segmentation_frozen"
        assert learnt(protocol, task, 0).ids == whole.ids
        tenth = learnt(f"{protocol}@10%", task, 0)
        assert len(tenth) == pytest.approx(len(whole) / 10, abs=1)
        assert set(tenth.ids) < set(whole.ids)
        assert learnt(f"{protocol}@10%", task, 1).ids != tenth.ids
