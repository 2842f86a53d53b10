"""Training patches of scans, a share of them around rare labels (arXiv:1809.10486)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from pixvox_registry.intensity import Intensity
from pixvox_registry.scans import Scan, Scans

PLACES = 2_000  # remembered of each label of a scan


class PatchSampler:
    """Draws batches; the same generator draws the same ones.

    Args:
        patch: sides along ``*S``.
        labels: K, the background included.
        flips: axes of ``*S`` along which a patch may be mirrored.
        around: share of patches whose middle bears a label, each label alike.
    """

    def __init__(
        self,
        scans: Scans,
        *,
        intensity: Intensity,
        patch: Sequence[int],
        labels: int,
        flips: Sequence[int],
        around: float = 0.5,
        draws: torch.Generator,
    ) -> None:
        self.scans = scans
        self.intensity = intensity
        self.patch = tuple(patch)
        self.flips = tuple(flips)
        self.around = around
        self.draws = draws
        self.places = [_places(scan.mask, labels, draws) for scan in scans]

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """``[B, C, *patch]`` standardised float32 and ``[B, *patch]`` int64."""
        patches = [self._patch() for _ in range(count)]
        images = torch.stack([image for image, _ in patches])
        return images, torch.stack([mask for _, mask in patches])

    def _patch(self) -> tuple[Tensor, Tensor]:
        row = self._below(len(self.scans))
        scan, places = self.scans[row], self.places[row]
        corner = self._corner(scan, places)
        image = self.intensity.standardise(_cut(scan.image, corner, self.patch)[None])[0]
        mask = _cut(scan.mask[None], corner, self.patch)[0].long()
        for axis in self.flips:
            if self._below(2):
                image, mask = image.flip(axis + 1), mask.flip(axis)
        return image, mask

    def _corner(self, scan: Scan, places: Sequence[Tensor]) -> list[int]:
        """Of a patch around a label, or anywhere; a side that is too short is centred."""
        middle = None
        if places and self._uniform() < self.around:
            of_label = places[self._below(len(places))]
            middle = of_label[self._below(len(of_label))].tolist()
        corner = []
        for axis, (side, size) in enumerate(zip(scan.mask.shape, self.patch, strict=True)):
            free = side - size
            if free <= 0:
                corner.append(free // 2)
            elif middle is None:
                corner.append(self._below(free + 1))
            else:
                corner.append(min(max(middle[axis] - size // 2, 0), free))
        return corner

    def _below(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self.draws))

    def _uniform(self) -> float:
        return float(torch.rand((), generator=self.draws))


def _places(mask: Tensor, labels: int, draws: torch.Generator) -> list[Tensor]:
    """``[n, dims]`` int32 for each label that is there, at most ``PLACES`` of each."""
    found = []
    for label in range(1, labels):
        places = (mask == label).nonzero()
        if len(places):
            kept = torch.randperm(len(places), generator=draws)[:PLACES]
            found.append(places[kept].int())
    return found


def _cut(x: Tensor, corner: Sequence[int], patch: Sequence[int]) -> Tensor:
    """``[C, *S] -> [C, *patch]``; what lies outside is the smallest value."""
    inside, margins = [slice(None)], []
    for side, start, size in zip(x.shape[1:], corner, patch, strict=True):
        inside.append(slice(max(start, 0), min(start + size, side)))
        margins.append((max(-start, 0), max(start + size - side, 0)))
    around = [margin for pair in reversed(margins) for margin in pair]
    piece = x[tuple(inside)]
    return pad(piece, around, value=float(x.min())) if any(around) else piece
