"""One image twice: re-encoded, compressed anew, rescaled, with axes flipped or in another order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from pixvox_registry.faults.finding import Finding, error

CLOSE = 1e-5  # of the range of values: what is left of one image in another type
SAMPLE = 16  # places per axis that are compared before all are
PIECE = 1 << 24  # values of which marks are taken at once

DUPLICATE = error(
    "duplicate-case",
    "two cases hold the same image, whatever its type, compression, scale or order of axes",
    "Keep one; if labels differ, find out which is right.",
)
ACROSS = error(
    "duplicate-across-splits",
    "cases of different splits hold the same image, so the test has been seen in training",
    "Keep one, in the split where it must be.",
)


@dataclass(frozen=True, kw_only=True)
class Imprint:
    """What is kept of an image: few numbers that no flip and no order of axes changes.

    Args:
        marks: ``[3 + dims]``, see :func:`marks_of`.
        load: the image once more, ``[*S]`` or ``[*S, C]``.
    """

    where: str
    split: str | None
    sides: tuple[int, ...]
    dims: int
    marks: NDArray[np.float64]
    load: Callable[[], NDArray[Any]]


def marks_of(images: NDArray[Any], dims: int) -> NDArray[np.float64]:
    """``[N, *S] -> [N, 3 + dims]``: three moments, and the mean square of each axis' profile.

    Values are scaled to lie between 0 and 1; constant and non-finite images get NaN.
    """
    together = max(1, PIECE // max(1, images[0].size))
    pieces = [images[at : at + together] for at in range(0, len(images), together)]
    return np.concatenate([_marks(piece, dims) for piece in pieces])


def faults_of_copies(imprints: Sequence[Imprint]) -> list[Finding]:
    """A finding for each group of equal images."""
    findings = []
    for group in _groups(imprints):
        names = [imprint.where for imprint in group]
        splits = sorted({imprint.split or "" for imprint in group})
        said = f"{len(group)} cases hold the same image of {' x '.join(map(str, group[0].sides))}"
        if len(splits) > 1:
            named = " and ".join(split or "no split" for split in splits)
            findings.append(ACROSS.at(names, f"{said}, in {named}"))
        else:
            findings.append(DUPLICATE.at(names, said))
    return findings


def same(one: NDArray[np.float32], other: NDArray[np.float32], dims: int) -> bool:
    """Are two images, scaled to lie between 0 and 1, one but for flips and order of axes?"""
    return any(_equal(one, turned) for turned in _orientations(other, dims, one.shape))


def scaled(image: NDArray[Any]) -> NDArray[np.float32]:
    """From 0 to 1."""
    low, high = (float(value) for value in (image.min(), image.max()))
    return ((image - low) / (high - low)).astype(np.float32)


def _marks(images: NDArray[Any], dims: int) -> NDArray[np.float64]:
    every = tuple(range(1, images.ndim))
    x = images.astype(np.float32)
    low, high = (edge(x, axis=every, keepdims=True) for edge in (np.min, np.max))
    with np.errstate(invalid="ignore", divide="ignore"):
        x -= low
        x /= high - low
    profiles = [
        (x.mean(axis=tuple(set(every) - {axis}), dtype=np.float64) ** 2).mean(axis=1)
        for axis in range(1, dims + 1)
    ]
    moments = [x.mean(axis=every, dtype=np.float64)]
    square = x * x
    moments.append(square.mean(axis=every, dtype=np.float64))
    square *= x
    moments.append(square.mean(axis=every, dtype=np.float64))
    return np.stack([*moments, *np.sort(profiles, axis=0)], axis=1)


def _groups(imprints: Sequence[Imprint]) -> Iterator[list[Imprint]]:
    kinds: dict[tuple[Any, ...], list[Imprint]] = defaultdict(list)
    for imprint in imprints:
        if np.isfinite(imprint.marks).all():
            kinds[imprint.dims, *sorted(imprint.sides)].append(imprint)
    for kind in kinds.values():
        for near in _near(kind):
            yield from (group for group in _equals(near) if len(group) > 1)


def _near(kind: Sequence[Imprint]) -> Iterator[list[Imprint]]:
    """Those whose marks agree, as they stand in order."""
    pairs = KDTree(np.stack([imprint.marks for imprint in kind])).query_pairs(
        CLOSE, p=np.inf, output_type="ndarray"
    )
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(kind), len(kind)))
    _, names = connected_components(links, directed=False)
    for name in np.unique(names[pairs]):
        yield [kind[row] for row in np.flatnonzero(names == name).tolist()]


def _equals(near: Sequence[Imprint]) -> list[list[Imprint]]:
    """Groups whose images are one, each compared with the first of every group."""
    groups: list[tuple[NDArray[np.float32], list[Imprint]]] = []
    for imprint in near:
        image = scaled(imprint.load())
        for first, members in groups:
            if same(first, image, imprint.dims):
                members.append(imprint)
                break
        else:
            groups.append((image, [imprint]))
    return [members for _, members in groups]


def _orientations(
    image: NDArray[np.float32], dims: int, shape: tuple[int, ...]
) -> Iterator[NDArray[np.float32]]:
    rest = tuple(range(dims, image.ndim))
    for order, signs in product(permutations(range(dims)), product((1, -1), repeat=dims)):
        turned = image.transpose(*order, *rest)
        if turned.shape == shape:
            yield turned[tuple(slice(None, None, sign) for sign in signs)]


def _equal(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    few = tuple(slice(None, None, max(1, side // SAMPLE)) for side in one.shape)
    return all(
        bool((np.abs(one[part] - other[part]) <= CLOSE).all()) for part in (few, (slice(None),))
    )
