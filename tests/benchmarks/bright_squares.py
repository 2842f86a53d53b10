"""Scans of bright squares in noise, and the scale of their values."""

from __future__ import annotations

import torch

from pixvox_registry.intensity import Intensity
from pixvox_registry.scans import Scan, Scans

SCALE = Intensity((0.0,), (255.0,), (0.0, 255.0))


def blobs(count: int, sides: tuple[int, ...] = (20, 24), seed: int = 0) -> Scans:
    """Bright squares of 6 in noise, label 1, each in its own place."""
    draws = torch.Generator().manual_seed(seed)
    scans = []
    for number in range(count):
        image = torch.randint(0, 90, (1, *sides), generator=draws, dtype=torch.uint8)
        mask = torch.zeros(sides, dtype=torch.uint8)
        start = [int(torch.randint(side - 6, (), generator=draws)) for side in sides]
        place = tuple(slice(s, s + 6) for s in start)
        mask[place] = 1
        image[0][place] += 120
        scans.append(Scan(id=f"{seed}/{number}", image=image, mask=mask, spacing_mm=None))
    ids = tuple(scan.id for scan in scans)
    return Scans(read=scans.__getitem__, ids=ids, dims=len(sides), in_channels=1)
