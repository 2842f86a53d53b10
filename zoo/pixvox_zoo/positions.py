"""Position embeddings of patches on a grid, in 2D and in 3D."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from pixvox_zoo.resampling import grown


def waves(grid: Sequence[int], width: int) -> Tensor:
    """Sines and cosines of each coordinate (arXiv:1706.03762, 3.5): ``-> [N, width]``.

    Every axis has an equal share of the width; what does not divide is left at 0.
    """
    share = width // (2 * len(grid))
    frequency = 10_000 ** -(torch.arange(share) / max(1, share))
    axes = torch.meshgrid(*[torch.arange(float(side)) for side in grid], indexing="ij")
    angles = [axis.reshape(-1, 1) * frequency for axis in axes]  # [N, share] each
    found = torch.cat([wave for angle in angles for wave in (angle.sin(), angle.cos())], 1)
    return F.pad(found, (0, width - found.shape[1]))


def fitted(positions: Tensor, of: Sequence[int], to: Sequence[int]) -> Tensor:
    """Embeddings ``[N, D]`` of one grid, interpolated to another; the same ones if they agree."""
    if tuple(of) == tuple(to):
        return positions
    there = positions.T.unflatten(1, tuple(of))[None]  # [1, D, *grid]
    return grown(there, to)[0].flatten(1).T
