"""Likeness: which cases are copies of others, found by their prints alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.prints import NONE, SIDE, Prints

ALIKE = 0.965  # correlation from which near prints are of one image; registry/README.md says why
PIECE = 4096  # prints that are compared at once


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Which of N cases are copies of any of others.

    Args:
        exact: ``[N]``, the same image but for type, scale, flips and order of axes.
        near: ``[N]``, the same but for size or light changes, and not exact.
    """

    exact: NDArray[np.bool_]
    near: NDArray[np.bool_]

    @property
    def rows(self) -> list[int]:
        """Rows of all copies, the exact ones first."""
        return [*np.flatnonzero(self.exact).tolist(), *np.flatnonzero(self.near).tolist()]


def copies(of: Prints, among: Prints) -> Copies:
    """The cases ``of`` one lot that have a copy ``among`` another of the same dims."""
    exact = np.isin(of.exact, among.exact) & (of.exact != NONE)
    near = best_likeness(of, among) >= ALIKE
    return Copies(exact=exact, near=near & ~exact)


def best_likeness(of: Prints, among: Prints, *, but_itself: bool = False) -> NDArray[np.float32]:
    """``[N]``: the highest correlation of each near print with those of another lot, turned anyhow.

    Args:
        but_itself: the lots are one, and no case is compared with itself.
    """
    ours, theirs = _standard(of), _standard(among)
    best = np.full(len(ours), -1, np.float32)
    for turn in _turns(of.dims):
        turned = ours[:, turn]
        for at in range(0, len(ours), PIECE):
            for start in range(0, len(theirs), PIECE):
                likeness = turned[at : at + PIECE] @ theirs[start : start + PIECE].T
                if but_itself and at == start:
                    np.fill_diagonal(likeness, -1)
                here = best[at : at + PIECE]
                np.maximum(here, likeness.max(axis=1, initial=-1), out=here)
    return best


def _standard(prints: Prints) -> NDArray[np.float32]:
    """Rows of mean 0 and length 1; zeros stay zeros."""
    rows = prints.near.astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    standard: NDArray[np.float32] = np.divide(
        rows, length, out=np.zeros_like(rows), where=length > 0
    )
    return standard


def _turns(dims: int) -> Iterator[NDArray[np.intp]]:
    """Where each place of a near print goes, for every order of axes and every flip."""
    grid = np.arange(SIDE[dims] ** dims).reshape((SIDE[dims],) * dims)
    for order, ways in product(permutations(range(dims)), product((1, -1), repeat=dims)):
        yield grid.transpose(order)[tuple(slice(None, None, way) for way in ways)].ravel()
