"""A row's score as a function of weighted cases: its metric, averaged over its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixvox_benchmarks.case_scores import CaseScores, Columns, Target, applied, strata_of
from pixvox_registry import UserError
from pixvox_registry.measuring import Metric
from pixvox_registry.resampling import Units


@dataclass(frozen=True, kw_only=True)
class SeedMean:
    """One metric over N cases, the mean over seeds of what each says of them.

    Args:
        seeds: for each seed the columns of the cases, in one order for all.
        patients: of the cases, in that order, where some patient has several.
    """

    metric: Metric
    seeds: Sequence[Columns]
    patients: tuple[str, ...] = ()

    @property
    def cases(self) -> int:
        """N."""
        return len(next(iter(self.seeds[0].values())))

    @property
    def strata(self) -> NDArray[np.int64] | None:
        """``[N]`` classes, where the metric wants cases to be drawn within class."""
        return strata_of(self.metric, self.seeds[0])

    @property
    def units(self) -> Units:
        """What resamples draw and tests swap."""
        return Units(self.cases, strata=self.strata, patients=self.patients)

    def __call__(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """``[P, N] -> [P]``."""
        scores: NDArray[np.float64] = np.mean(
            [applied(self.metric, columns, weight) for columns in self.seeds], axis=0
        )
        return scores


def seed_mean(metric: Metric, runs: Sequence[CaseScores]) -> SeedMean:
    """The score of one row.

    Raises:
        UserError: the runs are not about the same cases.
    """
    return SeedMean(metric=metric, seeds=aligned(runs), patients=runs[0].patients)


def seed_means(metric: Metric, rows: Sequence[Sequence[CaseScores]]) -> list[SeedMean]:
    """The scores of several rows on the same cases in the same order, whichever row comes first.

    Raises:
        UserError: the runs are not about the same cases.
    """
    first = min((runs[0] for runs in rows), key=lambda run: run.ids)
    return [
        SeedMean(metric=metric, seeds=aligned(runs, like=first), patients=first.patients)
        for runs in rows
    ]


def aligned(runs: Sequence[CaseScores], like: CaseScores | None = None) -> list[Columns]:
    """What each run says of each case, in the order of the first run's cases.

    Args:
        like: a run of the order that is wanted, if not the first.

    Raises:
        UserError: the runs are not about the same cases.
    """
    first = like or runs[0]
    wanted = _labels(first)
    every: list[Columns] = []
    for run in runs:
        if _labels(run) != wanted:
            raise UserError(
                "The results of one task must say something of the same cases with the same "
                "labels and patients; these do not, although they state the same task. Remove the "
                "results of one seed or method."
            )
        place = {case: number for number, case in enumerate(run.ids)}
        order = [place[case] for case in first.ids]
        every.append({name: column[order] for name, column in run.arrays().items()})
    return every


def _labels(run: CaseScores) -> dict[str, tuple[Target | None, str]]:
    """``{case: (class or labels, patient)}``; None and nothing where cases have none."""
    count = len(run.ids)
    told = zip(run.target or [None] * count, run.patients or [""] * count, strict=True)
    return dict(zip(run.ids, told, strict=True))
