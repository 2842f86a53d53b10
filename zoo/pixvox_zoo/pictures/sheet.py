"""Tiles side by side in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def flat(image: Tensor, like: Tensor | None = None) -> np.ndarray:
    """``[C, *S]`` to ``[H, W]`` or ``[H, W, 3]`` in 0 to 1; of a volume the middle slice.

    Args:
        like: 0 and 1 are the extremes of this image; by default of the image itself.
    """
    x, reference = _slice(image), _slice(image if like is None else like)
    low, high = reference.min(), reference.max()
    x = ((x - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
    shown: np.ndarray = (x.movedim(0, -1) if len(x) == 3 else x[0]).numpy()
    return shown


def sheet(tiles: Sequence[np.ndarray], file: Path, *, title: str, columns: int) -> None:
    """Tiles of one size, row by row."""
    from matplotlib.figure import Figure

    rows = -(-len(tiles) // columns)
    height, width = tiles[0].shape[:2]
    whole = np.ones((rows * (height + 1) - 1, columns * (width + 1) - 1, *tiles[0].shape[2:]))
    for number, tile in enumerate(tiles):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        whole[top : top + height, left : left + width] = tile
    figure = Figure(figsize=(0.8 * columns, 0.8 * rows + 0.3), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(whole, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(title, fontsize=9, loc="left")
    save_figure(figure, file)


def save_figure(figure: Figure, file: Path) -> None:
    """As PNG, with the folder it lies in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)


def _slice(image: Tensor) -> Tensor:
    x = image.float()
    return x[:, x.shape[1] // 2] if x.ndim == 4 else x
