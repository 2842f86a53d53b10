"""What a grid will cost here: seconds and bytes, from timed steps, before it starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pixvox_benchmarks.grid import Workshop
from pixvox_benchmarks.label_fraction import asked
from pixvox_benchmarks.plan import Plan, Planned
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.sight import sees
from pixvox_benchmarks.stand_in import stand_in
from pixvox_benchmarks.task import SPLITS
from pixvox_benchmarks.tuning import classification
from pixvox_registry import PROTOCOLS
from pixvox_registry.console import say
from pixvox_registry.contracts import Pretrained, Task
from pixvox_registry.errors import UserError
from pixvox_registry.measuring import Split

FORWARD_SHARE = 1 / 6  # of a step on two views, each once forward and, twice as dear, backward
FORWARDS_OF_A_STEP = 3  # on one view: forward and, twice as dear, backward
FEATURES, ROWS, RARE = 512, 512, 5  # of the trial on which a probe is timed
BYTES_PER_SCORE = 32  # of a probability in a result, as text
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Group:
    """The cells of one method on one task, and what making its weights once will take."""

    cells: Sequence[Planned]
    missing: Sequence[Planned]
    seconds: float
    size: int

    @property
    def workshop(self) -> Workshop:
        """Of the first seed; the others cost the same."""
        return self.cells[0].workshop

    @property
    def seconds_per_case(self) -> float:
        """Of pretraining, per case seen."""
        return self.seconds / self.workshop.order.budget.seen


def forecast(plan: Plan) -> list[dict[str, Any]]:
    """A row per method and task, then their sum; nothing is written."""
    groups = _groups(plan)
    dearest: dict[str, float] = {}  # a method that learns nothing still embeds
    for group in groups:
        name = group.workshop.task.name
        dearest[name] = max(group.seconds_per_case, dearest.get(name, 0.0))
    timed = Timed()
    rows = []
    for group in groups:
        per_case = dearest[group.workshop.task.name]
        probing = sum(timed.seconds(planned, per_case) for planned in group.missing)
        rows.append(_row(group, runs=len(plan.to_make(group.missing)), probing=probing))
    sums = {key: round(sum(row[key] for row in rows), 1) for key in list(rows[0])[2:]}
    return [*rows, {"method": "total", "task": "", **sums}]


class Timed:
    """What protocols take; what was timed once is timed, and the seeds of a method are alike."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], float] = {}
        self._stand_ins: dict[tuple[str, str], Pretrained] = {}

    def seconds(self, planned: Planned, per_case: float) -> float:
        """Of one cell.

        Args:
            per_case: seconds of pretraining.
        """
        protocol, workshop = planned.cell.protocol, planned.workshop
        task, made = workshop.task, workshop.pretraining
        name, share = asked(protocol)
        if isinstance(task, SegmentationTask):
            key = (protocol, task.name, made.method)
            return self._once(key, lambda: self._outlines(name, task, workshop))
        if sees(protocol) == "cases":
            return training_cases(task, made.budget, share) * per_case * FORWARD_SHARE
        embedding = number_of_cases(task) * per_case * FORWARD_SHARE
        return self._once((protocol, task.name), lambda: time_probe(name, task)) + embedding

    def _once(self, key: tuple[str, ...], measured: Callable[[], float]) -> float:
        if key not in self._known:
            self._known[key] = measured()
        return self._known[key]

    def _outlines(self, protocol: str, task: SegmentationTask, workshop: Workshop) -> float:
        """None where the backbone does not fit, and a word on it."""
        from pixvox_benchmarks.segmentation_forecast import time_segmentation

        made, frozen = workshop.pretraining, protocol.endswith("_frozen")
        of = made.method, task.name
        if of not in self._stand_ins:
            self._stand_ins[of] = stand_in(workshop)
        try:
            return time_segmentation(task, self._stand_ins[of], made.budget, frozen=frozen)
        except UserError as refusal:
            say(f"{made.method} will fail at {protocol} of {task.name}: {refusal}")
            return 0.0


def training_cases(task: Task, budget: str, share: float) -> float:
    """How many forward passes of a case a protocol takes that trains on a share of train."""
    tuning = classification(budget)
    train, val, test = (len(task.cases(split)) for split in SPLITS)
    learnt = tuning.epochs_of(max(1, round(train * share))) * train * share
    return learnt * FORWARDS_OF_A_STEP + tuning.looks * val + test


def time_probe(protocol: str, task: Task) -> float:
    """Seconds of a protocol on noise with the labels of a task, scaled from a part of its rows."""
    chance = torch.Generator().manual_seed(0)
    splits = {}
    for split in SPLITS:
        target = task.target(task.cases(split))
        rows = _some_of_each(target, chance)
        noise = torch.randn(len(rows), FEATURES, generator=chance)
        splits[split] = Split(features=noise, target=target[rows])
    begun = time.perf_counter()
    PROTOCOLS.build(protocol)(splits["train"], splits["val"], lambda: splits["test"])
    part = sum(len(split.target) for split in splits.values())
    return (time.perf_counter() - begun) * number_of_cases(task) / part


def _some_of_each(target: Tensor, chance: torch.Generator) -> Tensor:
    """About ROWS rows, each class in its share, but as many of a rare one as folds need.

    Of labels more: ROWS of all, and then those of each label.
    """
    if target.ndim == 2:
        groups = torch.nn.functional.pad(target, (1, 0), value=1).T.bool()  # [1 + L, N]
    else:
        groups = target == target.unique()[:, None]  # [K, N]
    rows = []
    for group in groups:
        members = group.nonzero().flatten()
        wanted = max(RARE, len(members) * ROWS // len(target))
        rows.append(members[torch.randperm(len(members), generator=chance)[:wanted]])
    some: Tensor = torch.cat(rows).unique()
    return some


def number_of_cases(task: Task) -> int:
    """Of all splits."""
    if isinstance(task, SegmentationTask):
        return sum(len(task.scans(split)) for split in SPLITS)
    return sum(len(task.cases(split)) for split in SPLITS)


def _groups(plan: Plan) -> list[Group]:
    cells: dict[tuple[str, str], list[Planned]] = {}
    for planned in plan.cells:
        pretraining = planned.cell.pretraining
        cells.setdefault((pretraining.task, pretraining.method), []).append(planned)
    groups = []
    for members in cells.values():
        missing = [planned for planned in members if not planned.is_published]
        workshop = members[0].workshop
        cost = workshop.maker.estimate(workshop.order) if missing else (0.0, 0)
        groups.append(Group(members, missing, *cost))
    return groups


def _row(group: Group, *, runs: int, probing: float) -> dict[str, Any]:
    task = group.workshop.task
    making = runs * group.seconds
    if isinstance(task, SegmentationTask):
        figures = len(task.scans("test")) * len(task.structures) * len(task.metrics)
    else:
        figures = len(task.cases("test")) * len(task.classes)
    scores = len(group.missing) * figures
    size = runs * group.size + scores * BYTES_PER_SCORE
    return {
        "method": group.workshop.pretraining.method,
        "task": task.name,
        "cells": len(group.cells),
        "finished": len(group.cells) - len(group.missing),
        "pretraining_s": round(making, 1),
        "probing_s": round(probing, 1),
        "total_s": round(making + probing, 1),
        "disk_mib": round(size / MEBIBYTE, 1),
    }
