"""Two methods on the same cases: the difference of their scores, its interval and its test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pixvox_leaderboards.estimate import rounded
from pixvox_leaderboards.holm import holm
from pixvox_leaderboards.permutation import ALPHA, contributions, least_p, permutation_p
from pixvox_leaderboards.seed_mean import SeedMean
from pixvox_registry.bootstrap import interval
from pixvox_registry.resampling import Floats

P_DIGITS = 5
CANNOT_REACH = "cannot reach significance"  # fewer than six patients tell the two apart
NO_TEST = "no test: a class has a single case"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What one method scores above another on one task.

    Args:
        difference: this one's score less the other's, as the metric counts; rounded.
        low: of the 95 % interval over cases, the same draws for both.
        p: two-sided, or None where a score is undefined without some case.
        holm: p after Holm over the family it was shown with.
        note: why nothing can be told, or nothing.
    """

    difference: float
    low: float
    high: float
    p: float | None
    holm: float | None
    cases: int
    note: str
    higher_is_better: bool

    @property
    def is_told(self) -> bool:
        """Do the two differ, at 5 % for the whole family?"""
        return self.holm is not None and self.holm <= ALPHA

    @property
    def is_better(self) -> bool:
        """Is this one told from the other, and better?"""
        return self.is_told and (self.difference if self.higher_is_better else -self.difference) > 0

    @property
    def is_worse(self) -> bool:
        """Is this one told from the other, and worse?"""
        return self.is_told and (self.difference if self.higher_is_better else -self.difference) < 0


def compared(pairs: Sequence[tuple[SeedMean, SeedMean]]) -> list[Comparison]:
    """The first of each pair against the second, all on one task; not yet corrected by Holm."""
    if not pairs:
        return []
    shares = _shares(score for pair in pairs for score in pair)
    table = np.stack([shares[id(ours)] - shares[id(theirs)] for ours, theirs in pairs], axis=1)
    return [
        _comparison(ours, theirs, column, p)
        for (ours, theirs), column, p in zip(pairs, table.T, permutation_p(table), strict=True)
    ]


def corrected(family: Sequence[Comparison]) -> list[Comparison]:
    """All comparisons of one family, each with its p after Holm."""
    adjusted = holm([np.nan if one.p is None else one.p for one in family])
    return [replace(one, holm=_of_chance(p)) for one, p in zip(family, adjusted, strict=True)]


def _shares(scores: Iterable[SeedMean]) -> dict[int, Floats]:
    """What each case contributes to each score, once for each."""
    once = {id(score): score for score in scores}
    return {name: contributions(score, score.units) for name, score in once.items()}


def _comparison(ours: SeedMean, theirs: SeedMean, share: Floats, p: float) -> Comparison:
    def difference(weight: Floats) -> Floats:
        """``[P, N] -> [P]``."""
        return ours(weight) - theirs(weight)

    found = interval(difference, ours.cases, strata=ours.strata, patients=ours.patients)
    whole = float(difference(np.ones((1, ours.cases)))[0])
    return Comparison(
        difference=rounded(whole),
        low=rounded(found.low),
        high=rounded(found.high),
        p=_of_chance(p),
        holm=None,
        cases=ours.cases,
        note=_note(share, p),
        higher_is_better=ours.metric.higher_is_better,
    )


def _note(share: Floats, p: float) -> str:
    if np.isnan(p):
        return NO_TEST
    return CANNOT_REACH if least_p(share) > ALPHA else ""


def _of_chance(p: float) -> float | None:
    return None if np.isnan(p) else round(float(p), P_DIGITS)
