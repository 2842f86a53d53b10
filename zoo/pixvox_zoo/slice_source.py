"""The slices of a source's volumes, as images of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Source
from pixvox_registry.errors import UserError
from pixvox_registry.stored import Images, Stored, pieces


class SliceSource:
    """Every slice across the first axis of ``*S``, but for the empty ones, as a case in 2D.

    A slice is called ``case#slice`` and bears the labels of its volume. Its patient is that of the
    volume, or the volume where nobody says: slices of one case are no strangers. It is empty if
    each of its channels has one value throughout. Masks are left behind.

    Args:
        volumes: a source of volumes.
    """

    dims = 2

    def __init__(self, volumes: Source) -> None:
        self.volumes = volumes
        self.splits = volumes.splits
        self._empty: dict[str, int] = {}

    @property
    def name(self) -> str:
        """Of the volumes, as slices."""
        return f"slices of {self.volumes.name}"

    def cases(self, split: str) -> Cases:
        """``[N, C, D, H, W] -> [n, C, H, W]``, volume by volume.

        Raises:
            UserError: the cases are images, or all slices are empty.
        """
        volumes = self.volumes.cases(split)
        if volumes.dims != 3:
            raise UserError(
                f"Slices are of volumes, and the cases of {self.volumes.name} are {volumes.dims}D. "
                "Take the method without `slices:`."
            )
        shown = torch.cat([shows(piece) for piece in pieces(volumes.images)])  # [N, D]
        self._empty[split] = int((~shown).sum())
        place = shown.nonzero()  # [n, 2]
        if not len(place):
            raise UserError(
                f"Every slice of {split} of {self.volumes.name} has one value throughout; there is "
                "nothing to learn. Look at its files with `pixvox data verify`."
            )
        case, rows = place[:, 0], place[:, 0].tolist()
        patients = volumes.patients or volumes.ids
        return Cases(
            images=slices_of(volumes.images, shown),
            ids=tuple(f"{volumes.ids[row]}#{slice}" for row, slice in place.tolist()),
            labels={name: label[case] for name, label in volumes.labels.items()},
            patients=tuple(patients[row] for row in rows),
            spacing_mm=volumes.spacing_mm and volumes.spacing_mm[1:],
            value_range=volumes.value_range,
        )

    def facts(self) -> Mapping[str, Any]:
        """Of the volumes, and how many slices of the splits that were read are left out."""
        facts = self.volumes.facts()
        return {
            **facts,
            "sha256": fingerprint([facts.get("sha256"), "slices", "axis 0"]),
            "slices": {"axis": 0, "empty_left_out": dict(self._empty)},
        }


def shows(volumes: Tensor) -> Tensor:
    """Which slices have more than one value in any channel: ``[N, C, D, H, W] -> [N, D]``."""
    values = volumes.flatten(3)  # [N, C, D, H W]
    return (values.amin(3) < values.amax(3)).any(1)


def slices_of(volumes: Images, shown: Tensor) -> Images:
    """Those of ``[N, C, D, H, W]`` that ``shown [N, D]`` marks: ``[n, C, H, W]``.

    Of volumes on disk with one channel none is read: a slice is a row of the same file. All others
    are copied into memory.
    """
    _, channels, depth, *sides = volumes.shape
    if isinstance(volumes, Stored) and channels == 1:
        rows = [volumes.rows[case] * depth + slice for case, slice in shown.nonzero().tolist()]
        return replace(volumes, each=(1, *sides), rows=rows)
    copied, start = [], 0
    for piece in pieces(volumes):
        copied.append(piece.transpose(1, 2)[shown[start : start + len(piece)]])
        start += len(piece)
    return torch.cat(copied)
