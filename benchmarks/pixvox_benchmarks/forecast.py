"""What a grid will cost here: seconds and bytes, from timed steps, before it starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pixvox_benchmarks.grid import Workshop
from pixvox_benchmarks.plan import Plan, Planned
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.task import SPLITS
from pixvox_benchmarks.tuning import segmentation
from pixvox_registry import PROTOCOLS
from pixvox_registry.contracts import Split, Task

FORWARD_SHARE = 1 / 6  # of a step on two views, each once forward and, twice as dear, backward
PAINTED_SHARE = 1.5  # of the same: one view, and a decoder about twice as dear as the backbone
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
    trials: dict[tuple[str, str], float] = {}
    rows = []
    for group in groups:
        task = group.workshop.task
        forward = number_of_cases(task) * dearest[task.name] * FORWARD_SHARE
        probing = 0.0
        for planned in group.missing:
            trial = planned.cell.protocol, task.name
            if isinstance(task, SegmentationTask):
                tuning = segmentation(planned.cell.pretraining.budget, task.dims)
                learnt = tuning.steps * tuning.batch * dearest[task.name] * PAINTED_SHARE
                probing += learnt + forward * (tuning.looks + 1)
                continue
            if trial not in trials:
                trials[trial] = time_probe(planned.cell.protocol, task)
            probing += forward + trials[trial]
        rows.append(_row(group, runs=len(plan.to_make(group.missing)), probing=probing))
    sums = {key: round(sum(row[key] for row in rows), 1) for key in list(rows[0])[2:]}
    return [*rows, {"method": "total", "task": "", **sums}]


def time_probe(protocol: str, task: Task) -> float:
    """Seconds of a protocol on noise with the labels of a task, scaled from a part of its rows."""
    chance = torch.Generator().manual_seed(0)
    splits = {}
    for split in SPLITS:
        target = task.cases(split).labels["class"]
        rows = _some_of_each(target, chance)
        noise = torch.randn(len(rows), FEATURES, generator=chance)
        splits[split] = Split(features=noise, target=target[rows])
    begun = time.perf_counter()
    PROTOCOLS.build(protocol)(splits["train"], splits["val"], lambda: splits["test"])
    part = sum(len(split.target) for split in splits.values())
    return (time.perf_counter() - begun) * number_of_cases(task) / part


def _some_of_each(target: Tensor, chance: torch.Generator) -> Tensor:
    """About ROWS rows, each class in its share, but as many of a rare one as folds need."""
    rows = []
    for k in target.unique():
        members = (target == k).nonzero().flatten()
        wanted = max(RARE, len(members) * ROWS // len(target))
        rows.append(members[torch.randperm(len(members), generator=chance)[:wanted]])
    return torch.cat(rows)


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
