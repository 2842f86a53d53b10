"""Contact sheets: cases as a picture, volumes as rows of slices, masks as contours."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixvox_registry.cases import Cases
from pixvox_registry.stored import Images, rows_at_once

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SLICES = 8  # of a volume
TILE_INCHES = 1.05
GAP = 0.04  # between tiles, in tiles
PAPER, INK, FAINT = "#101418", "#e6e9ec", "#8b949e"
CONTOURS = ("#ffb000", "#4cc9f0", "#f72585", "#80ed99", "#b388ff")


@dataclass(frozen=True)
class Strip:
    """One line of tiles: ``[H, W, C]`` in 0 to 1, and label maps ``[H, W]`` if there are any."""

    case: str
    label: str
    tiles: Sequence[NDArray[np.float32]]
    masks: Sequence[NDArray[np.uint8]] = field(default=())
    faint: bool = False  # a view under its original


@dataclass(frozen=True)
class Window:
    """The range of stored values that goes from black to white."""

    low: float
    high: float

    @classmethod
    def of(cls, images: Images) -> Window:
        """All of a byte; of other types the 1st to the 99.5th percentile of a piece of the rows."""
        if images.dtype == torch.uint8:
            return cls(0.0, 255.0)
        some = min(len(images), rows_at_once(images[:1].numel()))
        rows = torch.linspace(0, len(images) - 1, some).round().long()
        low, high = np.percentile(images[rows].float().numpy(), [1, 99.5])
        return cls(float(low), float(max(high, low + 1e-6)))

    def tiles(self, image: Tensor) -> list[NDArray[np.float32]]:
        """``[C, *S] -> [H, W, C]`` of the image, or of slices spread over the volume."""
        x = ((image.float() - self.low) / (self.high - self.low)).clamp(0, 1)
        return [piece.movedim(0, -1).numpy() for piece in _slices(x, axis=1)]


def strips_of(
    cases: Cases, classes: Sequence[str] = (), views: Sequence[Tensor] = ()
) -> list[Strip]:
    """The lines of a sheet: a case, and beside or under it its views.

    Args:
        classes: names of the labels, in order.
        views: each ``[N, C, *S]`` in stored units.
    """
    window = Window.of(cases.images)
    strips = []
    for row in range(len(cases)):
        case, label = cases.ids[row], _label(cases, row, classes)
        tiles = window.tiles(cases.images[row])
        masks: list[NDArray[np.uint8]] = []
        if cases.masks is not None:
            masks = [piece.numpy() for piece in _slices(cases.masks[row][None], axis=1, bare=True)]
        made = [window.tiles(view[row]) for view in views]
        if cases.dims == 2:  # views stand beside their image, slices leave no room for that
            strips.append(
                Strip(case, label, [*tiles, *(tile for view in made for tile in view)], masks)
            )
            continue
        strips.append(Strip(case, label, tiles, masks))
        strips += [Strip(f"view {n}", "", view, faint=True) for n, view in enumerate(made, start=1)]
    return strips


def draw_sheet(strips: Sequence[Strip], title: str) -> bytes:
    """A PNG of all strips, in as many columns as make the sheet about three by two."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across = max(len(strip.tiles) for strip in strips)
    whole = sum(not strip.faint for strip in strips)  # a case and its views stay in one column
    together = len(strips) // whole
    columns = _columns(whole, math.sqrt(1.5 * whole * together / across))
    lines = math.ceil(whole / columns) * together
    width = max(columns * (across * TILE_INCHES + 0.15) + 0.15, 5.0)
    height = lines * (TILE_INCHES + 0.24) + 0.55
    figure = Figure(figsize=(width, height), dpi=130, facecolor=PAPER)
    FigureCanvasAgg(figure)
    figure.text(0.15 / width, 1 - 0.3 / height, title, color=INK, size=11, va="center")
    for number, strip in enumerate(strips):
        case, line = divmod(number, together)
        down, column = divmod(case, columns)
        left = 0.15 + column * (across * TILE_INCHES + 0.15)
        top = 0.5 + (down * together + line) * (TILE_INCHES + 0.24) + 0.2
        box = (left, height - top - TILE_INCHES, len(strip.tiles) * TILE_INCHES, TILE_INCHES)
        axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
        _draw_strip(axes, strip, across)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", facecolor=PAPER, metadata={"Software": None})
    return stream.getvalue()


def _columns(number: int, wanted: float) -> int:
    """About as many columns as wanted, preferring those that leave no place empty."""
    near = [columns for columns in range(int(wanted), math.ceil(wanted) + 2) if columns > 0]
    return min(number, min(near, key=lambda n: (-number % n / n, abs(n - wanted))))


def _caption(strip: Strip, room: int) -> str:
    """Case and label in so many characters; of a long case id the last word, or its end."""
    left = max(room - len(strip.label) - 2, 6)
    case = strip.case if len(strip.case) <= left else strip.case.rpartition("/")[2]
    case = case if len(case) <= left else f"…{case[1 - left :]}"
    return f"{case}  {strip.label}".strip()[: room + 4]


def _draw_strip(axes: Axes, strip: Strip, across: int) -> None:
    axes.set_axis_off()
    colour = FAINT if strip.faint else INK
    axes.set_title(_caption(strip, 19 * across), loc="left", size=6.5, pad=2.5, color=colour)
    for number, tile in enumerate(strip.tiles):
        left, right = number + GAP / 2, number + 1 - GAP / 2
        picture = tile if tile.shape[-1] == 3 else tile[..., 0]
        extent = (left, right, 1 - GAP / 2, GAP / 2)
        axes.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="nearest")
        if number < len(strip.masks):
            _draw_mask(axes, strip.masks[number], left, right)
    axes.set_xlim(0, len(strip.tiles))
    axes.set_ylim(1, 0)
    axes.set_aspect("auto")


def _draw_mask(axes: Axes, mask: NDArray[np.uint8], left: float, right: float) -> None:
    height, width = mask.shape
    x = left + (np.arange(width) + 0.5) / width * (right - left)
    y = GAP / 2 + (np.arange(height) + 0.5) / height * (1 - GAP)
    for label in np.unique(mask[mask > 0]):
        inside = (mask == label).astype(float)
        if inside.min() < 0.5 and min(mask.shape) > 1:
            colour = CONTOURS[(int(label) - 1) % len(CONTOURS)]
            axes.contour(x, y, inside, levels=[0.5], colors=[colour], linewidths=0.9)


def _slices(image: Tensor, *, axis: int, bare: bool = False) -> list[Tensor]:
    """``[C, H, W] -> 1`` piece, ``[C, D, H, W] -> SLICES`` pieces, the outermost left out."""
    if image.ndim == 3:
        pieces = [image]
    else:
        depth = image.shape[axis]
        shown = min(SLICES, depth)
        places = [int((n + 0.5) / shown * depth) for n in range(shown)]
        pieces = [image.select(axis, place) for place in places]
    return [piece[0] for piece in pieces] if bare else pieces


def _label(cases: Cases, row: int, classes: Sequence[str]) -> str:
    """The class by name; of several labels those that are set."""
    values = {name: int(label[row]) for name, label in cases.labels.items()}
    if "class" in values:
        value = values["class"]
        return classes[value] if value < len(classes) else str(value)
    set_ = [name for name, value in values.items() if value]
    places = [int(name.rpartition("_")[2]) for name in set_ if name.rpartition("_")[2].isdigit()]
    named = [classes[place] for place in places if place < len(classes)]
    return ", ".join(named if len(named) == len(set_) else set_)
