"""Training patches of scans, a share of them around rare labels (arXiv:1809.10486)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, pad

from pixvox_registry.intensity import Intensity
from pixvox_registry.scans import Scan, Scans

PLACES = 2_000  # remembered of each label of a scan
ANGLE, ZOOM = 0.2, 1.15  # at most: radians in each plane, and a factor


class PatchSampler:
    """Draws batches; the same generator draws the same ones.

    Args:
        patch: sides along ``*S``.
        labels: K, the background included.
        flips: axes of ``*S`` along which a patch may be mirrored.
        around: share of patches whose middle bears a label, each label alike.
        moved: share of patches that are turned and enlarged or made smaller.
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
        moved: float = 0.5,
        draws: torch.Generator,
    ) -> None:
        self.scans = scans
        self.intensity = intensity
        self.patch = tuple(patch)
        self.flips = tuple(flips)
        self.around = around
        self.moved = moved
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
        image = self.intensity.standardise(cut(scan.image, corner, self.patch)[None])[0]
        mask = cut(scan.mask[None], corner, self.patch)[0].long()
        for axis in self.flips:
            if self._below(2):
                image, mask = image.flip(axis + 1), mask.flip(axis)
        return self._moved(image, mask) if self._uniform() < self.moved else (image, mask)

    def _moved(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Turned a little and enlarged or made smaller, around the middle of the patch."""
        dims = mask.ndim
        skew = torch.zeros(dims, dims)
        for one, other in combinations(range(dims), 2):
            skew[one, other] = ANGLE * (2 * self._uniform() - 1)
        turn = torch.matrix_exp(skew - skew.mT) * ZOOM ** (2 * self._uniform() - 1)
        sides = torch.tensor(self.patch[::-1])  # a grid counts axes from the last one
        still = torch.zeros(dims, 1)
        frame = torch.cat([turn * sides / sides[:, None], still], 1)[None]
        grid = affine_grid(frame, [1, 1, *self.patch], align_corners=False)
        seen = grid_sample(image[None], grid, padding_mode="border", align_corners=False)[0]
        drawn = grid_sample(
            mask[None, None].float(),
            grid,
            mode="nearest",
            padding_mode="border",
            align_corners=False,
        )
        return seen, drawn[0, 0].long()

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


def cut(x: Tensor, corner: Sequence[int], patch: Sequence[int]) -> Tensor:
    """``[C, *S] -> [C, *patch]``; what lies outside is the smallest value."""
    inside, margins = [slice(None)], []
    for side, start, size in zip(x.shape[1:], corner, patch, strict=True):
        inside.append(slice(max(start, 0), min(start + size, side)))
        margins.append((max(-start, 0), max(start + size - side, 0)))
    around = [margin for pair in reversed(margins) for margin in pair]
    piece = x[tuple(inside)]
    return pad(piece, around, value=float(x.min())) if any(around) else piece
