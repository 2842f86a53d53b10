"""Puts a backbone to the test: each protocol sees features, cases or scans, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.embedding import embed
from pixvox_benchmarks.label_fraction import asked, rows_of
from pixvox_benchmarks.sealed import SealedTest
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.sight import check_sight, sees
from pixvox_benchmarks.structure_scores import compared
from pixvox_registry import PROTOCOLS
from pixvox_registry.cases import Cases
from pixvox_registry.console import say
from pixvox_registry.contracts import Pretrained, Task
from pixvox_registry.measuring import Predictions, Split, Trial


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a protocol said of the test cases.

    Args:
        chosen: hyperparameters chosen on validation.
        openings: how often the test split was opened.
        labelled: cases of train whose labels the protocol learnt from.
        masks: label maps of the test scans, if the protocol outlines.
    """

    cases: CaseScores
    chosen: Mapping[str, Any]
    openings: int
    n_expected: int
    labelled: int
    masks: tuple[Tensor, ...] = ()


def examine(protocol: str, task: Task, pretrained: Pretrained, budget: str, seed: int) -> Outcome:
    """Let a protocol learn from train and val, and score what it says of test.

    Args:
        protocol: with the share of the labels, if not all: ``linear_probe@10%``.
        budget: how long a protocol trains, if it does.
        seed: of what a protocol draws.

    Raises:
        UserError: the protocol is for another kind of task, or does not do as it should.
    """
    check_sight(protocol, task)
    trial = Trial(
        pretrained=pretrained,
        labels=task.labels if isinstance(task, SegmentationTask) else len(task.classes),
        flips=task.flips,
        budget=budget,
        seed=seed,
        tell=say,
    )
    answers: dict[str, Callable[[str, Any, Trial], Outcome]] = {
        "features": _probed,
        "cases": _trained,
        "scans": _outlined,
    }
    return answers[sees(protocol)](protocol, task, trial)


def _probed(protocol: str, task: Task, trial: Trial) -> Outcome:
    def seen(cases: Cases) -> Split:
        return embed(trial.pretrained, cases, task.target(cases))

    tested = task.cases("test")
    test = SealedTest(lambda: seen(tested), opener=protocol, owner=task.name)
    answer = PROTOCOLS.build(asked(protocol)[0])
    train = learnt(protocol, task, trial.seed)
    predictions = answer(seen(train), seen(task.cases("val")), test)
    return _of_classes(predictions, test, task, len(train))


def _trained(protocol: str, task: Task, trial: Trial) -> Outcome:
    tested = task.cases("test")
    test = SealedTest(lambda: tested, opener=protocol, owner=task.name)
    answer: Any = PROTOCOLS.build(asked(protocol)[0])
    train = learnt(protocol, task, trial.seed)
    predictions = answer(train, task.cases("val"), test, trial)
    return _of_classes(predictions, test, task, len(train))


def _of_classes(
    predictions: Predictions, test: SealedTest[Any], task: Task, labelled: int
) -> Outcome:
    test.check(predictions, len(task.classes))
    tested = task.cases("test")
    cases = CaseScores.rounded(
        tested.ids,
        predictions.target.tolist(),
        predictions.probability.tolist(),
        {name: column.tolist() for name, column in predictions.columns.items()},
        patients=tested.patients,
    )
    return Outcome(
        cases=cases,
        chosen=predictions.chosen,
        openings=test.opened,
        n_expected=len(tested),
        labelled=labelled,
    )


def _outlined(protocol: str, task: SegmentationTask, trial: Trial) -> Outcome:
    task.check_masks()
    scans = task.scans("test")
    test = SealedTest(lambda: scans, opener=protocol, owner=task.name)
    answer: Any = PROTOCOLS.build(asked(protocol)[0])
    train = learnt(protocol, task, trial.seed)
    segmentation = answer(train, task.scans("val"), test, trial)
    test.check_masks(segmentation, task.labels)
    cases = CaseScores.rounded(
        scans.ids,
        columns=compared(segmentation.masks, scans, task.metrics, task.labels),
        patients=scans.patients,
    )
    return Outcome(
        cases=cases,
        chosen=segmentation.chosen,
        openings=test.opened,
        n_expected=len(scans),
        labelled=len(train),
        masks=segmentation.masks,
    )


def learnt(protocol: str, task: Task | SegmentationTask, seed: int) -> Any:
    """Train, or the share of it that a label fraction leaves: cases, or scans.

    Raises:
        NotApplicable: the fraction leaves too few.
    """
    share = asked(protocol)[1]
    if isinstance(task, SegmentationTask):
        scans = task.scans("train")
        target = torch.zeros(len(scans), dtype=torch.int64)
        return scans.chosen(rows_of(target, share, patients=scans.patients, seed=seed))
    cases = task.cases("train")
    rows = rows_of(task.target(cases), share, patients=cases.patients, seed=seed)
    return cases if len(rows) == len(cases) else cases.chosen(rows)
