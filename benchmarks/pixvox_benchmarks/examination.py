"""Puts a backbone to the test: each protocol sees features, or scans, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.embedding import embed
from pixvox_benchmarks.sealed import SealedTest
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.sight import check_sight
from pixvox_registry import METRICS, PROTOCOLS
from pixvox_registry.console import say
from pixvox_registry.contracts import Pretrained, Split, Task
from pixvox_registry.measuring import Trial
from pixvox_registry.scans import Scans


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a protocol said of the test cases.

    Args:
        chosen: hyperparameters chosen on validation.
        openings: how often the test split was opened.
    """

    cases: CaseScores
    chosen: Mapping[str, Any]
    openings: int
    n_expected: int


def examine(protocol: str, task: Task, pretrained: Pretrained, budget: str, seed: int) -> Outcome:
    """Let a protocol learn from train and val, and score what it says of test.

    Args:
        budget: how long a protocol trains, if it does.
        seed: of what a protocol draws.

    Raises:
        UserError: the protocol is for another kind of task, or does not do as it should.
    """
    check_sight(protocol, task)
    if isinstance(task, SegmentationTask):
        return _outlined(protocol, task, pretrained, budget, seed)
    return _probed(protocol, task, pretrained)


def _probed(protocol: str, task: Task, pretrained: Pretrained) -> Outcome:
    def seen(split: str) -> Split:
        return embed(pretrained, task.cases(split))

    test = SealedTest(lambda: seen("test"), opener=protocol, owner=task.name)
    predictions = PROTOCOLS.build(protocol)(seen("train"), seen("val"), test)
    test.check(predictions, len(task.classes))
    ids = task.cases("test").ids
    cases = CaseScores.rounded(
        ids,
        predictions.target.tolist(),
        predictions.probability.tolist(),
        {name: column.tolist() for name, column in predictions.columns.items()},
    )
    return Outcome(
        cases=cases, chosen=predictions.chosen, openings=test.opened, n_expected=len(ids)
    )


def _outlined(
    protocol: str, task: SegmentationTask, pretrained: Pretrained, budget: str, seed: int
) -> Outcome:
    trial = Trial(
        pretrained=pretrained,
        labels=task.labels,
        flips=task.flips,
        budget=budget,
        seed=seed,
        tell=say,
    )
    task.check_masks()
    scans = task.scans("test")
    test = SealedTest(lambda: scans, opener=protocol, owner=task.name)
    answer: Any = PROTOCOLS.build(protocol)
    segmentation = answer(task.scans("train"), task.scans("val"), test, trial)
    test.check_masks(segmentation, task.labels)
    cases = CaseScores.rounded(
        scans.ids, columns=compared(segmentation.masks, scans, task.metrics, task.labels)
    )
    return Outcome(
        cases=cases, chosen=segmentation.chosen, openings=test.opened, n_expected=len(scans)
    )


def compared(
    masks: Sequence[Tensor], scans: Scans, metrics: tuple[str, ...], labels: int
) -> dict[str, list[list[float]]]:
    """``{metric: [N][S]}``: each structure of each scan against its truth."""
    asked: dict[str, Any] = {name: METRICS.build(name) for name in metrics}
    columns: dict[str, list[list[float]]] = {name: [] for name in metrics}
    for mask, scan in zip(masks, scans, strict=True):
        spacing = scan.spacing_mm or (1.0,) * mask.ndim
        predicted, truth = mask.numpy(), scan.mask.numpy()
        for name, metric in asked.items():
            columns[name].append(
                [
                    metric.of_case(predicted == label, truth == label, spacing)
                    for label in range(1, labels)
                ]
            )
    return columns
