"""Weightings of cases: patients drawn anew with replacement, or with one of them left out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.draws import key
from pixvox_registry.errors import UserError

Floats = NDArray[np.float64]
Score = Callable[[Floats], Floats]  # weight [P, N] -> [P]

WEIGHTS_AT_ONCE = 1 << 21  # 16 MB: what a score holds in memory, a few times over
BUNCHES = 5_000  # that are left out one by one: time grows with their number times the cases
FEWEST = 50  # bunches of a stratum that has as many units


class Units:
    """What is drawn as one: a case by itself, or a patient with all of their cases.

    Args:
        cases: N.
        strata: ``[N]``; units are drawn within each stratum. A patient with cases in several
            belongs to the rarest of these.
        patients: ``[N]`` names, where some patient has several cases.

    Raises:
        UserError: there is no case.
    """

    def __init__(
        self,
        cases: int,
        *,
        strata: NDArray[np.integer] | None = None,
        patients: Sequence[str] = (),
    ) -> None:
        if cases < 1:
            raise UserError("A bootstrap interval was asked for over no cases; give at least one.")
        for what, told in (("strata", strata), ("patients", patients or None)):
            if told is not None and len(told) != cases:
                raise ValueError(f"{cases} cases but {len(told)} {what}")
        self.owner = _numbered(patients) if patients else np.arange(cases)
        self.groups = [np.arange(self.count)]
        if strata is not None:
            stratum = self._strata(strata)
            self.groups = [np.flatnonzero(stratum == one) for one in np.unique(stratum)]

    @property
    def count(self) -> int:
        """U."""
        return int(self.owner.max()) + 1

    def resampled(self, resamples: int, seed: int) -> Iterator[Floats]:
        """``[P, N]`` counts of cases, their units drawn with replacement within their stratum."""
        groups = self.groups
        streams = [np.random.default_rng(key(seed, "bootstrap", i)) for i in range(len(groups))]
        for rows in pieces(resamples, len(self.owner)):
            weight = np.empty((len(rows), self.count))
            for group, random in zip(groups, streams, strict=True):
                size = len(group)
                drawn = random.integers(size, size=(len(rows), size))
                drawn += size * np.arange(len(rows))[:, None]
                counts = np.bincount(drawn.ravel(), minlength=len(rows) * size)
                weight[:, group] = counts.reshape(len(rows), size)
            yield weight[:, self.owner]

    def left_out(self) -> Iterator[Floats]:
        """``[P, N]`` ones, but for the cases of one unit left out in each row."""
        for rows in pieces(self.count, len(self.owner)):
            weight = np.ones((len(rows), self.count))
            weight[np.arange(len(rows)), rows] = 0
            yield weight[:, self.owner]

    def bunched(self) -> Units:
        """Themselves, or about ``BUNCHES`` units: bunches at random, within stratum, of too many.

        To leave out bunches tells the skew of a score as well as to leave out units one by one
        does: of a mean, the acceleration is off by about .65 / ``BUNCHES``.
        """
        if self.count <= BUNCHES:
            return self
        random = np.random.default_rng(key(0, "bunches", self.count))
        bunch, groups, start = np.empty(self.count, np.intp), [], 0
        for group in self.groups:
            wanted = max(FEWEST, round(BUNCHES * len(group) / self.count))
            size = min(wanted, len(group))
            bunch[random.permutation(group)] = start + np.arange(len(group)) % size
            groups.append(np.arange(start, start + size))
            start += size
        coarser = copy.copy(self)
        coarser.owner, coarser.groups = bunch[self.owner], groups
        return coarser

    def _strata(self, strata: NDArray[np.integer]) -> NDArray[np.intp]:
        """``[U]``, of each unit the rarest of its cases."""
        known, place, sizes = np.unique(strata, return_inverse=True, return_counts=True)
        commonest_first = np.argsort(-sizes, kind="stable")
        rarity = np.argsort(commonest_first)
        rarest = np.zeros(self.count, np.intp)
        np.maximum.at(rarest, self.owner, rarity[place])
        found: NDArray[np.intp] = known[commonest_first[rarest]]
        return found


def _numbered(names: Sequence[str]) -> NDArray[np.intp]:
    """``[N]`` in the order of first appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names])


def pieces(rows: int, cases: int) -> Iterator[NDArray[np.intp]]:
    """Row numbers, as many at once as memory allows."""
    size = max(1, WEIGHTS_AT_ONCE // cases)
    for start in range(0, rows, size):
        yield np.arange(start, min(start + size, rows))


def scored(score: Score, weightings: Iterator[Floats]) -> Floats:
    """A score of every row of some weightings."""
    return np.concatenate([np.asarray(score(weight), np.float64) for weight in weightings])
