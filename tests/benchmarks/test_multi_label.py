"""Multi-label tasks from end to end: checked, probed, published, read back, and refused in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.forecast import time_probe
from pixvox_benchmarks.grid import Grid
from pixvox_benchmarks.multi_label_task import MultiLabelTask
from pixvox_benchmarks.plan import plan
from pixvox_benchmarks.result import Result, results_below
from pixvox_benchmarks.runner import run
from pixvox_benchmarks.scoring import metrics_of, score
from pixvox_benchmarks.sealed import SealedTest
from pixvox_benchmarks.sight import check_sight
from pixvox_benchmarks.task import SPLITS, ClassificationTask
from pixvox_leaderboards.verify import examine
from pixvox_registry import METRICS, TASKS, UserError
from pixvox_registry.bootstrap import interval
from pixvox_registry.cases import Cases
from pixvox_registry.measuring import Predictions, Split

TARGET = torch.tensor([[0, 1], [1, 1], [0, 0]])


@dataclass(frozen=True)
class Given:
    given: Mapping[str, Cases]
    dims: int = 2
    name: str = "given"
    splits: tuple[str, ...] = SPLITS

    def cases(self, split: str) -> Cases:
        return self.given[split]

    def facts(self) -> Mapping[str, Any]:
        return {}


def cases(split: str, count: int = 6, **changes: Any) -> Cases:
    rows = torch.arange(count)
    whole = Cases(
        images=torch.arange(count * 16, dtype=torch.uint8).view(count, 1, 4, 4),
        ids=tuple(f"{split}/{i}" for i in range(count)),
        labels={"class_0": rows % 2, "class_1": (rows % 3 == 0).long()},
    )
    return replace(whole, **changes)


def task(columns: tuple[str, ...] = ("class_0", "class_1"), **changed: Cases) -> MultiLabelTask:
    return MultiLabelTask(
        name="toy",
        source=Given({split: cases(split) for split in SPLITS} | changed),
        labels=("mass", "nodule"),
        columns=columns,
        licence="CC0-1.0",
        units="image",
        flips=(),
    )


def labelled(split: str, first: list[int], second: list[int]) -> Cases:
    return cases(split, labels={"class_0": torch.tensor(first), "class_1": torch.tensor(second)})


def test_labels_become_columns_in_the_order_of_the_task() -> None:
    sound = task()
    assert sound.target(sound.cases("val")).tolist() == [
        [0, 1],
        [1, 0],
        [0, 0],
        [1, 1],
        [0, 0],
        [1, 0],
    ]
    turned = task(("class_1", "class_0"))
    assert torch.equal(turned.target(turned.cases("val")), sound.target(sound.cases("val")).flip(1))
    assert sound.classes == ("mass", "nodule") and sound.kind == "labels"
    named = {"mass": torch.arange(6) % 2, "nodule": torch.arange(6) // 3, "other": torch.zeros(6)}
    own = task((), **{split: cases(split, labels=named) for split in SPLITS})
    assert torch.equal(own.target(own.cases("test"))[:, 1], named["nodule"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (cases("test", count=0), "the split is empty"),
        (cases("test", labels={"class_0": torch.arange(6) % 2}), "called 'class_1' .* class_0"),
        (labelled("test", [0, 1] * 3, [0, 2, 0, 1, 0, 0]), "test has 2 for 'class_1'"),
        (labelled("test", [0, 1] * 3, [0, -1, 0, 1, 0, 0]), "test has -1 for 'class_1'"),
        (labelled("test", [0, 1] * 3, [0] * 6), "no test case with 'nodule'; its AUC"),
        (labelled("test", [1] * 6, [0, 1] * 3), "every test case with 'mass'; its AUC"),
        (labelled("test", [1] * 6, [0] * 6), "the same labels for all 6 cases of test"),
        (cases("test", ids=("val/0", *"abcde")), "every case in one split only; 1 .*: val/0"),
    ],
)
def test_a_faulty_split_is_refused_whichever_is_asked_for(changed: Cases, message: str) -> None:
    with pytest.raises(UserError, match=message):
        task(test=changed).cases("train")


def test_columns_that_are_not_one_for_each_label_are_refused() -> None:
    with pytest.raises(UserError, match="2 labels and 1 columns came"):
        task(("class_0",)).cases("train")
    with pytest.raises(UserError, match="labels of different names"):
        replace(task(), labels=("mass", "mass")).cases("train")
    with pytest.raises(UserError, match="Did you mean 'test'"):
        task().cases("tests")


def test_train_and_val_may_lack_a_label() -> None:
    bare = labelled("train", [0, 1] * 3, [0] * 6)
    assert task(train=bare).target(bare).sum(0).tolist() == [3, 0]


def test_any_edit_changes_the_fingerprint() -> None:
    known = task().fingerprint()
    assert task().fingerprint() == known
    for other in (
        replace(task(), version="2"),
        replace(task(), labels=("mass", "hernia")),
        task(val=labelled("val", [0, 1] * 3, [0, 0, 0, 1, 0, 0])),
        task(("class_1", "class_0")),
    ):
        assert other.fingerprint() != known


def sealed() -> SealedTest[Split]:
    test = SealedTest(lambda: Split(torch.zeros(3, 2), TARGET), opener="probe", owner="toy")
    test()
    return test


def predictions(*rows: list[float]) -> Predictions:
    return Predictions(torch.tensor(rows, dtype=torch.float64), TARGET, {})


def test_probabilities_of_labels_need_not_sum_to_one() -> None:
    sealed().check(predictions([0.9, 0.8], [0, 0], [1, 1]), classes=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (predictions([0.9, 0.8], [0, 0]), "No case may be left out"),
        (predictions([0.9], [0], [1]), "No case may be left out"),
        (predictions([0.9, 1.1], [0, 0], [1, 1]), "no probabilities .* at most 1"),
        (predictions([0.9, -0.1], [0, 0], [1, 1]), "no probabilities"),
        (predictions([0.9, float("nan")], [0, 0], [1, 1]), "no probabilities"),
        (replace(predictions(*[[0.5, 0.5]] * 3), target=TARGET.flip(0)), "changes the labels"),
    ],
)
def test_predictions_that_are_none_are_refused(wrong: Predictions, message: str) -> None:
    with pytest.raises(UserError, match=message):
        sealed().check(wrong, classes=2)


def test_cases_come_back_from_the_file_and_old_files_read_as_before() -> None:
    told = [[0.9, 0.1], [0.3, 1 / 3], [0.0, 0.25]]
    several = CaseScores.rounded("abc", TARGET.tolist(), told)
    assert several.content().splitlines()[2] == b'["b", [1, 1], [0.3, 0.3333333]],'
    assert CaseScores.parse(several.content()) == several
    assert several.arrays()["target"].tolist() == TARGET.tolist()
    one = CaseScores.rounded("abc", [0, 1, 0], told)
    assert one.content().splitlines()[1] == b'["a", 0, [0.9, 0.1]],'
    assert CaseScores.parse(one.content()) == one and one.target == (0, 1, 0)


def test_resamples_of_labels_are_drawn_from_all_cases_and_of_classes_within_class() -> None:
    random = np.random.default_rng(0)
    target = (random.random((50, 2)) < (0.5, 0.04)).astype(int)
    told = np.clip(0.4 * target + random.random((50, 2)) * 0.6, 0, 1)
    ids = list(map(str, range(50)))
    auc: Any = METRICS.build("auc")
    one = CaseScores.rounded(ids, target.tolist(), told.tolist())
    p = np.array(one.probability)
    alike = interval(lambda weight: auc(p, target, weight), 50)
    assert score(one, ("auc",))[1]["auc"] == asdict(alike)
    pair = np.stack([1 - p[:, 0], p[:, 0]], 1)
    classes = CaseScores.rounded(ids, target[:, 0].tolist(), pair.tolist())
    within = interval(lambda w: auc(pair, target[:, 0], w), 50, strata=target[:, 0])
    assert score(classes, ("auc",))[1]["auc"]["low"] == pytest.approx(within.low, abs=1e-6)


def test_protocols_and_metrics_that_want_one_class_are_refused_before_anything_runs() -> None:
    for protocol in ("knn_probe", "linear_probe", "linear_probe@10%"):
        check_sight(protocol, task())
    for protocol in ("clustering", "clustering_by_classes", "finetune", "segmentation_frozen"):
        with pytest.raises(UserError, match=r"multi-label classification\. Take knn_probe, lin"):
            check_sight(protocol, task())
    kappa = replace(task(), metrics=("auc", "cohen_kappa"))
    with pytest.raises(UserError, match=r"'cohen_kappa' wants one class .* Take accuracy, auc, "):
        metrics_of("knn_probe", kappa)
    assert metrics_of("knn_probe", task()) == task().metrics


@pytest.mark.parametrize("protocol", ["knn_probe", "linear_probe"])
def test_a_probe_is_timed_on_labels(protocol: str) -> None:
    many = {split: cases(split, count=60) for split in SPLITS}
    rare = torch.zeros(60, dtype=torch.int64)
    rare[[3, 40, 41]] = 1
    many["train"] = cases("train", 60, labels={"class_0": torch.arange(60) % 2, "class_1": rare})
    assert time_probe(protocol, task(**many)) > 0


def test_a_grid_of_labels_is_published_and_every_digit_is_found_again(
    house: Path, tmp_path: Path
) -> None:
    grid = Grid(
        methods=("guest:plain",),
        tasks=("marks",),
        protocols=("knn_probe", "linear_probe"),
        seeds=1,
        budget="tiny",
    )

    def in_turn(jobs: Any, report: Any) -> None:
        for job in jobs:
            job()
            report(job, None)

    planned = plan(grid, tmp_path)
    assert run(planned, in_turn, threads=1, quiet=True) == {} and not planned.missing()
    files = results_below(planned.results)
    assert len(files) == 2
    for file in files:
        found, result = examine(file), Result.read(file)
        assert not found.fault and not found.unchecked
        read = result.read_cases(file)
        target = TASKS.build("marks").target(TASKS.build("marks").cases("test"))
        assert read.arrays()["target"].tolist() == target.tolist()
        naive = METRICS.build("auc")(np.array(read.probability), target.numpy(), np.ones((1, 40)))
        assert result.scores["auc"] == naive[0] > 0.6
        assert result.intervals["auc"]["low"] <= naive[0] <= result.intervals["auc"]["high"]
    mixed = replace(grid, tasks=("marks", "squares"), protocols=("nearest", "knn_probe"))
    cells = {(c.cell.protocol, c.workshop.task.name) for c in plan(mixed, tmp_path / "mixed").cells}
    assert cells == {("nearest", "squares"), ("knn_probe", "squares"), ("knn_probe", "marks")}


def test_a_task_of_classes_says_so() -> None:
    rows = torch.arange(6) % 2
    one = ClassificationTask(
        name="one",
        source=Given({split: cases(split, labels={"class": rows}) for split in SPLITS}),
        classes=("benign", "malignant"),
        licence="CC0-1.0",
        units="image",
        flips=(),
    )
    assert one.kind == "classes" and torch.equal(one.target(one.cases("val")), rows)
