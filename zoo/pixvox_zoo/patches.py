"""Images as patches and back, in 2D and in 3D."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def cut(images: Tensor, grid: Sequence[int]) -> Tensor:
    """``[R, C, *S] -> [R, N, C * pixels]``: the pixels of each cell, channel by channel."""
    dims = len(grid)
    for axis, cells in enumerate(grid):
        images = images.unflatten(2 + 2 * axis, (cells, -1))  # [R, C, g1, p1, g2, p2, ...]
    cells_first = [2 + 2 * axis for axis in range(dims)]
    pixels = [3 + 2 * axis for axis in range(dims)]
    return images.permute(0, *cells_first, 1, *pixels).flatten(1 + dims).flatten(1, dims)


def joined(patches: Tensor, grid: Sequence[int], patch: int) -> Tensor:
    """``[R, N, C * patch^dims] -> [R, C, *S]``: the inverse of :func:`cut`."""
    dims = len(grid)
    x: Tensor = patches.unflatten(1, tuple(grid)).unflatten(1 + dims, (-1, *[patch] * dims))
    order = [1 + dims, *(axis for d in range(dims) for axis in (1 + d, 2 + dims + d))]
    x = x.permute(0, *order)  # [R, C, g1, p, g2, p, ...]
    for axis in range(dims):
        x = x.flatten(2 + axis, 3 + axis)
    return x
