"""Distorted cases that are to be restored (Models Genesis, arXiv:1908.06912)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.kinds import VIEWS
from pixvox_zoo.chance import chances_of, rows_of, sent
from pixvox_zoo.patches import cut, joined

CHANCES = {"curve": 0.9, "shuffle": 0.5, "paint": 0.9, "outside": 0.8}  # as the authors' code


@VIEWS.register
class Distort:
    """One view: intensities bent, pixels shuffled nearby, boxes painted over; and its original.

    What is painted has one value per case, either inside some boxes or (``outside``) everywhere but
    in some boxes. The few numbers of a case are drawn on the host, and those of every pixel on the
    device of the images.

    Args:
        cell: side of the cells within which pixels are shuffled.
        shuffled: share of the cells that are.
        boxes: how many are painted, or kept.
        box: least and greatest side of a painted box, as a share of the image's.
        kept: the same of a box that is kept.
        chances: how often each of these happens; whatever is not named keeps its default.

    Raises:
        UserError: cells that do not fill the image, or settings that no view can have.
    """

    num_targets = 1
    provides = ("original",)
    keeps_places = True

    def __init__(
        self,
        *,
        dims: int,
        image_size: int,
        cell: int = 4,
        shuffled: float = 0.5,
        boxes: int = 5,
        box: Sequence[float] = (1 / 6, 1 / 3),
        kept: Sequence[float] = (3 / 7, 4 / 7),
        chances: Mapping[str, float] | None = None,
    ) -> None:
        self.often = chances_of(chances, CHANCES, "Views 'distort'")
        if image_size % cell:
            raise UserError(
                f"Views 'distort' shuffle within cells of {cell} px, which do not fill "
                f"{image_size} px. Set another cell."
            )
        for name, (low, high) in {"box": box, "kept": kept}.items():
            if not 0 < low <= high <= 1:
                raise UserError(f"Views 'distort' want {name} two shares, 0 < least <= 1.")
        self.dims = dims
        self.grid = (image_size // cell,) * dims
        self.cell = cell
        self.shuffled = shuffled
        self.boxes = boxes
        self.box = box
        self.kept = kept

    @torch.no_grad()
    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> image and original [B, C, *S]``."""
        draws = draws.under("distort")
        host = replace(draws, device="cpu")
        x = images.clone()
        self._curve(x, host)
        self._shuffle(x, host, draws)
        self._paint(x, host)
        return [View(x, original=images)]

    def _strikes(self, host: Draws, what: str) -> Tensor:
        """``[B]``: does it happen to this case?"""
        return host.uniform(what) < self.often[what]

    def _curve(self, x: Tensor, host: Draws) -> None:
        """A cubic Bezier curve from darkest to brightest, half of them falling."""
        rows = rows_of(self._strikes(host, "curve"))
        handles, falls = host.uniform("handles", 2)[rows], (host.uniform("falls") < 0.5)[rows]
        rows, handles, falls = sent(x.device, rows, handles, falls)
        some = x[rows].flatten(1)
        low, high = some.amin(1, keepdim=True), some.amax(1, keepdim=True)
        t = (some - low) / (high - low).clamp(min=1e-12)
        bent = 3 * (1 - t) ** 2 * t * handles[:, :1] + 3 * (1 - t) * t**2 * handles[:, 1:] + t**3
        bent = torch.where(falls[:, None], 1 - bent, bent)
        x.index_copy_(0, rows, (low + (high - low) * bent).view(len(rows), *x.shape[1:]))

    def _shuffle(self, x: Tensor, host: Draws, draws: Draws) -> None:
        """Pixels change places within some cells; texture goes and the outline stays."""
        (rows,) = sent(x.device, rows_of(self._strikes(host, "shuffle")))
        if not len(rows):
            return
        cells = cut(x[rows], self.grid).unflatten(2, (x.shape[1], -1))  # [k, N, C, P]
        order = draws.uniform("places", cells.shape[1], cells.shape[3])[rows].argsort(2)
        chosen = draws.uniform("cells", cells.shape[1])[rows] < self.shuffled
        still = torch.arange(order.shape[2], device=x.device)
        order = torch.where(chosen[..., None], order, still)[:, :, None].expand_as(cells)
        shuffled = cells.gather(3, order).flatten(2)
        x.index_copy_(0, rows, joined(shuffled, self.grid, self.cell))

    def _paint(self, x: Tensor, host: Draws) -> None:
        """One value in boxes, or everywhere else."""
        outside = self._strikes(host, "outside")
        low, high = torch.where(
            outside[:, None], torch.tensor(self.kept), torch.tensor(self.box)
        ).unbind(1)
        span = (high - low).view(-1, 1, 1)
        side = low.view(-1, 1, 1) + span * host.uniform("side", self.boxes, self.dims)
        centre = host.uniform("centre", self.boxes, self.dims)  # [B, boxes, dims]
        colour = host.normal("colour", 1)
        side, centre, colour, outside, paint = sent(
            x.device, side, centre, colour, outside, self._strikes(host, "paint")
        )
        inside = torch.ones((), dtype=torch.bool, device=x.device)
        for axis, size in enumerate(x.shape[2:]):
            place = (torch.arange(size, device=x.device) + 0.5) / size
            reach = (place - centre[..., axis, None]).abs() < side[..., axis, None] / 2
            shape = [1] * self.dims
            shape[axis] = size
            inside = inside & reach.view(len(x), self.boxes, *shape)
        ones = [1] * self.dims
        covered = inside.any(1) ^ outside.view(-1, *ones)  # [B, *S]
        covered &= paint.view(-1, *ones)
        x.copy_(torch.where(covered[:, None], colour.view(-1, 1, *ones), x))
