"""Candidates: places in a scan with a class each, and the cubes of voxels around them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.errors import UserError
from pixvox_registry.meta_image import MetaImage
from pixvox_registry.modality import scaled

AIR_HU = -1000.0  # beyond the scan
COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "class")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One row of a list.

    Args:
        id: the scan's, and the row's number among those of the scan.
        place_mm: right to left, front to back, feet to head, as ITK and DICOM have it (LPS).
        label: 1 or 0.
    """

    id: str
    series: str
    place_mm: tuple[float, float, float]
    label: int


def read_candidates(file: Path) -> list[Candidate]:
    """A list with the columns ``seriesuid, coordX, coordY, coordZ, class``, in its order.

    Raises:
        UserError: a column is missing, or a row holds no numbers; says which row.
    """
    rows: list[Candidate] = []
    seen: dict[str, int] = {}
    with file.open(newline="") as stream:
        reader = csv.DictReader(stream)
        if lost := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise UserError(
                f"{file} needs the columns {', '.join(COLUMNS)}; {', '.join(lost)} is missing."
            )
        for row in reader:
            series = row["seriesuid"]
            number = seen[series] = seen.get(series, -1) + 1
            try:
                x, y, z = (float(row[name]) for name in COLUMNS[1:4])
                label = ("0", "1").index(row["class"])
            except (TypeError, ValueError):
                raise UserError(
                    f"{file}, line {reader.line_num}: three coordinates in mm and a class of 0 or "
                    f"1 are wanted; {list(row.values())} came."
                ) from None
            place_mm = (x, y, z)
            rows.append(
                Candidate(id=f"{series}/{number}", series=series, place_mm=place_mm, label=label)
            )
    return rows


def thinned(candidates: Sequence[Candidate], negatives: int | None) -> list[Candidate]:
    """All of class 1 and ``negatives`` times as many of class 0, in their order.

    Those stay whose ids have the lowest sha256, so everyone keeps the same; None keeps all.
    """
    if negatives is None:
        return list(candidates)
    against = [candidate for candidate in candidates if not candidate.label]
    against.sort(key=lambda candidate: sha256(candidate.id.encode()).digest())
    wanted = negatives * (len(candidates) - len(against))
    left_out = {candidate.id for candidate in against[wanted:]}
    return [candidate for candidate in candidates if candidate.id not in left_out]


def cubes(
    image: MetaImage, candidates: Sequence[Candidate], *, size: int, spacing_mm: float
) -> NDArray[np.float16]:
    """``[N, S, S, S]`` of CT around candidates, one at least; feet, back and left come first.

    Linear between voxels; beyond the scan is air.

    Args:
        image: in Hounsfield units.
        size: side of a cube in voxels.
        spacing_mm: of its voxels, along every axis.

    Raises:
        UserError: a candidate lies outside the scan.
    """
    offsets = (np.arange(size) - (size - 1) / 2) * spacing_mm
    up, front, right = np.meshgrid(offsets, offsets, offsets, indexing="ij")
    around = np.stack([-right, -front, up], -1).reshape(-1, 3)  # LPS
    found = np.empty((len(candidates), size, size, size), np.float32)
    last = np.array(image.voxels.shape) - 0.5
    for row, candidate in enumerate(candidates):
        centre = np.array(candidate.place_mm)
        middle = image.voxel_at(centre[None])[0]
        if ((middle < -0.5) | (middle > last)).any():
            raise UserError(
                f"candidate {candidate.id} lies at {candidate.place_mm} mm, outside its scan"
            )
        places = image.voxel_at(centre + around)
        found[row] = _sampled(image.voxels, places).reshape(size, size, size)
    return scaled(found, ("ct",) * len(found)).astype(np.float16)


def _sampled(voxels: NDArray[Any], places: NDArray[np.float64]) -> NDArray[np.float32]:
    """``[X, Y, Z], [P, 3] -> [P]``; no more is read than the block around the places."""
    from scipy.ndimage import map_coordinates

    sides = np.array(voxels.shape)
    low = np.clip(np.floor(places.min(0)).astype(int) - 1, 0, sides - 1)
    high = np.clip(np.ceil(places.max(0)).astype(int) + 2, 1, sides)
    block = voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    sampled: NDArray[np.float32] = map_coordinates(
        block, (places - low).T, order=1, mode="constant", cval=AIR_HU
    )
    return sampled
