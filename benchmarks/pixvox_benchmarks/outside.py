"""Predictions made elsewhere, scored as a board scores: same cases, metrics and conventions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.missed import missed_outlines, missed_probabilities
from pixvox_benchmarks.outline_folder import read_outlines
from pixvox_benchmarks.probability_table import read_probabilities
from pixvox_benchmarks.scoring import score
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.structure_scores import compared
from pixvox_registry import METRICS
from pixvox_registry.contracts import Task
from pixvox_registry.errors import NoData, UserError


class Refused(UserError):
    """Predictions that are not scored."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One score.

    Args:
        structure: nothing for the mean over all of them, and for classes.
        score: None for a structure that is nowhere, neither in truth nor in prediction.
        interval: ``{low, high, method, note}``, 95 % over cases.
        n_counted: cases that the figure rests on; a structure is not in all.
    """

    metric: str
    structure: str
    higher_is_better: bool
    score: float | None
    interval: Mapping[str, Any]
    n_counted: int


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What predictions are worth.

    Args:
        cases: of the whole split, those that were missing included.
        names: of the classes, or of the structures.
        missing: ids of cases that were not predicted, and score worst.
    """

    cases: CaseScores
    names: tuple[str, ...]
    missing: tuple[str, ...]
    figures: tuple[Figure, ...]

    @property
    def n_expected(self) -> int:
        """Cases of the split."""
        return len(self.cases.ids)

    @property
    def n_scored(self) -> int:
        """Cases that were predicted."""
        return self.n_expected - len(self.missing)


def score_outside(
    predictions: Path,
    task: Task | SegmentationTask,
    *,
    split: str = "test",
    allow_missing: bool = False,
) -> Scored:
    """Scores of a folder of label maps, or of a CSV of probabilities, whichever the task wants.

    Args:
        allow_missing: a case that was not predicted scores the worst of every metric.

    Raises:
        Refused: predictions that may not be scored; says which and why.
        UserError: the data, or the path of the predictions, is not there.
    """
    if isinstance(task, SegmentationTask):
        cases, answered = _outlined(predictions, task, split, allow_missing)
        names, figures = task.structures, _figures(cases, task.metrics)
        if len(names) > 1:
            figures += [
                figure
                for place, name in enumerate(names)
                for figure in _figures(_of_one(cases, place), task.metrics, name)
            ]
    else:
        told, answered = _of_classes(predictions, task, split, allow_missing)
        cases, names = told[0], task.classes
        figures = [*map(_worst, zip(*(_figures(one, task.metrics) for one in told), strict=True))]
    missing = tuple(case for row, case in enumerate(cases.ids) if row not in answered)
    return Scored(cases=cases, names=names, missing=missing, figures=tuple(figures))


@contextmanager
def refusing() -> Iterator[None]:
    """Whatever is wrong in here is wrong with the predictions, unless their path is."""
    try:
        yield
    except NoData:
        raise
    except UserError as error:
        raise Refused(str(error)) from None


def _outlined(
    folder: Path, task: SegmentationTask, split: str, allow_missing: bool
) -> tuple[CaseScores, set[int]]:
    scans = task.scans(split)
    task.check_masks()
    with refusing():
        masks = read_outlines(folder, scans, task.structures, allow_missing=allow_missing)
    there = sorted(masks)
    lost = [row for row in range(len(scans)) if row not in masks]
    drawn = [masks[row] for row in there]
    found = compared(drawn, scans.chosen(there), task.metrics, task.labels)
    worst = missed_outlines(scans.chosen(lost), task.metrics, task.labels)
    columns = {name: _in_order(there + lost, found[name] + worst[name]) for name in task.metrics}
    return CaseScores.rounded(scans.ids, columns=columns, patients=scans.patients), set(there)


def _of_classes(
    file: Path, task: Task, split: str, allow_missing: bool
) -> tuple[list[CaseScores], set[int]]:
    """The cases once for each wrong class that the missing ones may be certain of."""
    cases = task.cases(split)
    target = task.target(cases)
    with refusing():
        found = read_probabilities(
            file,
            cases.ids,
            task.classes,
            several=task.kind == "labels",
            allow_missing=allow_missing,
        )
    is_whole = target.ndim == 2 or len(found) == len(cases)
    steps = (1,) if is_whole else range(1, len(task.classes))
    told = []
    for step in steps:
        probability = missed_probabilities(target, len(task.classes), step).tolist()
        for row, answer in found.items():
            probability[row] = answer
        told.append(
            CaseScores.rounded(cases.ids, target.tolist(), probability, patients=cases.patients)
        )
    return told, set(found)


def _worst(figures: Sequence[Figure]) -> Figure:
    """Of one metric."""
    turned = 1 if figures[0].higher_is_better else -1
    return min(figures, key=lambda figure: turned * (figure.score or 0.0))


def _in_order(rows: Sequence[int], values: Sequence[list[float]]) -> list[list[float]]:
    return [value for _, value in sorted(zip(rows, values, strict=True))]


def _figures(cases: CaseScores, metrics: Sequence[str], structure: str = "") -> list[Figure]:
    columns = cases.arrays()
    silent = {name for name in metrics if name in columns and np.isnan(columns[name]).all()}
    scores, intervals = score(cases, [name for name in metrics if name not in silent])
    return [
        Figure(
            metric=name,
            structure=structure,
            higher_is_better=METRICS.build(name).higher_is_better,
            score=scores.get(name),
            interval=intervals.get(name, {}),
            n_counted=_counted(columns[name]) if name in columns else len(cases.ids),
        )
        for name in metrics
    ]


def _counted(figures: NDArray[np.float64]) -> int:
    """Cases with a figure for one structure at least."""
    return int(np.isfinite(figures.reshape(len(figures), -1)).any(1).sum())


def _of_one(cases: CaseScores, place: int) -> CaseScores:
    """The figures of one structure."""
    columns = {
        name: [figures[place] for figures in values if isinstance(figures, tuple)]
        for name, values in cases.columns.items()
    }
    return CaseScores.rounded(cases.ids, columns=columns, patients=cases.patients)
