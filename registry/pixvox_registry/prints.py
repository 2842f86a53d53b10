"""Prints: what is kept of cases so that copies are found later, without the images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.errors import UserError

if TYPE_CHECKING:
    from typing import Any

    from pixvox_registry.cases import Cases
    from pixvox_registry.scans import Scans

    Array = NDArray[Any]
    Exact = NDArray[np.uint64]
    Near = NDArray[np.int8]

SCHEME = "1"  # prints of another scheme are not compared
SIDE = {2: 12, 3: 8}  # places along each axis of a near print, by dims
NOTHING, UNKNOWN = "nothing", "unknown"  # what weights without a file of prints were shown
NONE = 0  # the exact print of an image that is constant or not finite: nothing is a copy of it
LEVELS = 1 << 16  # values that are counted rather than sorted


@dataclass(frozen=True, kw_only=True)
class Prints:
    """Two prints of each of N cases of equal dims.

    Args:
        exact: ``[N]``, equal for one image in any type, scale and order of axes, however flipped.
        near: ``[N, SIDE ** dims]``, alike for one image in other sizes or lightly changed.
    """

    dims: int
    exact: Exact
    near: Near

    def __len__(self) -> int:
        return len(self.exact)

    @classmethod
    def of(cls, images: Iterable[Array], dims: int) -> Prints:
        """Of images ``[C, *S]``, whose ``*S`` may differ; one is in memory at a time."""
        pairs = [(exact_print(image), near_print(image)) for image in images]
        return cls(
            dims=dims,
            exact=np.array([exact for exact, _ in pairs], np.uint64),
            near=np.array([near for _, near in pairs], np.int8).reshape(len(pairs), -1),
        )

    @classmethod
    def of_cases(cls, cases: Cases | Scans) -> Prints:
        """Of cases or of scans, in their order."""
        return cls.of(_images(cases), cases.dims)


def joined(several: Iterable[Prints]) -> dict[int, Prints]:
    """``{dims: prints}`` of several lots, in their order."""
    lots: dict[int, list[Prints]] = {}
    for prints in several:
        lots.setdefault(prints.dims, []).append(prints)
    return {
        dims: Prints(
            dims=dims,
            exact=np.concatenate([prints.exact for prints in lot]),
            near=np.concatenate([prints.near for prints in lot]),
        )
        for dims, lot in lots.items()
    }


def write(file: Path, prints: Mapping[int, Prints]) -> None:
    """Write the prints of each dims; the same prints give the same bytes."""
    from safetensors.numpy import save_file

    tensors: dict[str, Array] = {}
    for dims, lot in prints.items():
        tensors |= {f"exact_{dims}d": lot.exact, f"near_{dims}d": lot.near}
    save_file(tensors, file, metadata={"scheme": SCHEME})


def read(file: Path) -> dict[int, Prints] | None:
    """The prints that :func:`write` wrote, by dims; None if they are of another scheme.

    Raises:
        UserError: the file is missing, damaged, or holds something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as stream:
            if (stream.metadata() or {}).get("scheme") != SCHEME:
                return None
            held = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise UserError(f"{file} does not hold prints of cases: {error}.") from None
    found = {}
    for dims, side in SIDE.items():
        exact, near = held.pop(f"exact_{dims}d", None), held.pop(f"near_{dims}d", None)
        if exact is None and near is None:
            continue
        if exact is None or near is None or near.shape != (len(exact), side**dims):
            raise UserError(f"{file}: exact and near prints in {dims}D are not of the same cases.")
        found[dims] = Prints(dims=dims, exact=exact.view(np.uint64), near=near.view(np.int8))
    if held:
        raise UserError(f"{file} also holds {', '.join(sorted(held))}; prints have no such thing.")
    return found


def exact_print(image: Array) -> int:
    """64 bits of ``[C, *S]`` that no change of type, rising scale, flip or order of axes changes.

    What is hashed is the rank of each value among those of the image, turned so that the profile
    of every axis begins with its lesser end and the axes stand in the order of their profiles;
    where profiles tie, the least hash of all ways to turn counts.
    """
    if len(image) > 1 and (image == image[:1]).all():  # grey that is stored as colour
        image = image[:1]
    ranks = _ranks(image)
    if ranks is None:
        return NONE
    return min(_hash(turned) for turned in _canonical(ranks))


def near_print(image: Array) -> Near:
    """``[C, *S] -> [SIDE ** dims]``: coarse structure, of which the coarsest is taken away.

    Mean of channels, pooled to equal areas, less its own blur, so that what all images of one kind
    share (a chest, a field of view) does not make them alike. Zeros where an image is constant or
    not finite.
    """
    dims = image.ndim - 1
    coarse = image.mean(0, dtype=np.float64)
    if not np.isfinite(coarse).all():
        return np.zeros(SIDE[dims] ** dims, np.int8)
    for axis in range(dims):
        coarse = _along(_areas(image.shape[1 + axis], SIDE[dims]), coarse, axis)
    blurred = coarse
    for axis in range(dims):
        blurred = _along(_blur(SIDE[dims]), blurred, axis)
    detail = (coarse - blurred).ravel()
    detail -= detail.mean()
    highest = np.abs(detail).max()
    if highest <= 1e-9 * np.abs(coarse).max():
        return np.zeros(detail.shape, np.int8)
    near: Near = np.rint(detail * (127 / highest)).astype(np.int8)
    return near


def _images(cases: Cases | Scans) -> Iterable[Array]:
    from pixvox_registry.cases import Cases
    from pixvox_registry.stored import pieces

    if isinstance(cases, Cases):
        return (image.numpy() for piece in pieces(cases.images) for image in piece)
    return (scan.image.numpy() for scan in cases)


def _ranks(image: Array) -> Array | None:
    """Each value's place among the values that occur; None where there is but one, or a NaN."""
    if image.dtype == np.float16:  # as integers of the same order, which are counted
        image = image + np.float16(0)  # so that -0 is 0
        bits = image.view(np.uint16)
        ordered = np.where(bits >> 15, ~bits, bits | 0x8000).astype(np.int64)
    else:
        ordered = image
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        return None
    low, high = ordered.min(), ordered.max()
    if low == high:
        return None
    if ordered.dtype.kind in "iu" and int(high) - int(low) < LEVELS:
        places = (ordered.astype(np.int64) - int(low)).ravel()
        there = np.bincount(places) > 0
        ranks, count = (np.cumsum(there) - 1)[places], int(there.sum())
    else:
        values, ranks = np.unique(ordered, return_inverse=True)
        count = len(values)
    kind = np.uint8 if count <= 1 << 8 else np.uint16 if count <= 1 << 16 else np.uint32
    return ranks.astype(kind).reshape(image.shape)


def _canonical(ranks: Array) -> Iterable[Array]:
    """``[C, *S]`` turned; more than one way only where profiles tie."""
    axes = range(1, ranks.ndim)
    profiles, signs = [], []
    for axis in axes:
        others = tuple(other for other in range(ranks.ndim) if other != axis)
        there = tuple(ranks.sum(axis=others, dtype=np.int64).tolist())
        back = there[::-1]
        profiles.append((len(there), min(there, back)))
        signs.append((1, -1) if there == back else (1,) if there < back else (-1,))
    wanted = sorted(profiles)
    for order in permutations(range(len(profiles))):
        if [profiles[place] for place in order] == wanted:
            turned = ranks.transpose(0, *[axes[place] for place in order])
            for ways in product(*[signs[place] for place in order]):
                yield turned[(slice(None), *[slice(None, None, way) for way in ways])]


def _hash(ranks: Array) -> int:
    seen = hashlib.sha256(f"{ranks.dtype} {ranks.shape} ".encode())
    seen.update(np.ascontiguousarray(ranks).data)
    return int.from_bytes(seen.digest()[:8]) or 1  # 0 says that there is none


def _along(matrix: Array, image: Array, axis: int) -> Array:
    """A matrix ``[M, N]`` put to the axis of N places."""
    return np.moveaxis(np.tensordot(matrix, image, axes=(1, axis)), 0, axis)


@cache
def _areas(side: int, places: int) -> Array:
    """``[places, side]``: shares of each stored place in each of as many equal areas."""
    edges = np.linspace(0, side, places + 1)
    upper = np.minimum(edges[1:, None], np.arange(1, side + 1))
    lower = np.maximum(edges[:-1, None], np.arange(side))
    share: Array = np.clip(upper - lower, 0, None) * (places / side)
    return share


@cache
def _blur(side: int) -> Array:
    """``[side, side]``: 1 2 1 over 4, the edge repeated."""
    padded = np.pad(np.eye(side), ((1, 1), (0, 0)), mode="edge")
    blur: Array = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return blur
