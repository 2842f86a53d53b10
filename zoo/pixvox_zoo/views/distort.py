"""Distorted cases that are to be restored (Models Genesis, arXiv:1908.06912)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError, suggestion
from pixvox_registry.kinds import VIEWS
from pixvox_zoo.chance import rows_of
from pixvox_zoo.patches import cut, joined

CHANCES = {"curve": 0.9, "shuffle": 0.5, "paint": 0.9, "outside": 0.2}


@VIEWS.register
class Distort:
    """One view: intensities bent, pixels shuffled nearby, boxes painted over; and its original.

    Painting is either inside some boxes, or (``outside``) everywhere but in some boxes.

    Args:
        cell: side of the cells within which pixels are shuffled.
        shuffled: share of the cells that are.
        boxes: how many are painted, or kept.
        box: least and greatest side of a box, as a share of the image's.
        chances: how often each of these happens; whatever is not named keeps its default.
    """

    num_targets = 1
    provides = ()

    def __init__(
        self,
        *,
        dims: int,
        image_size: int,
        cell: int = 4,
        shuffled: float = 0.5,
        boxes: int = 5,
        box: tuple[float, float] = (1 / 6, 1 / 3),
        chances: Mapping[str, float] | None = None,
    ) -> None:
        for name in chances or {}:
            if name not in CHANCES:
                raise UserError(
                    f"Views 'distort' have no chance of {name!r}.{suggestion(name, CHANCES)} "
                    f"There are: {', '.join(CHANCES)}."
                )
        if image_size % cell:
            raise UserError(
                f"Views 'distort' shuffle within cells of {cell} px, which do not fill "
                f"{image_size} px. Set another cell."
            )
        self.dims = dims
        self.grid = (image_size // cell,) * dims
        self.cell = cell
        self.shuffled = shuffled
        self.boxes = boxes
        self.box = box
        self.chances = {**CHANCES, **(chances or {})}

    @torch.no_grad()
    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> image and original [B, C, *S]``."""
        host = replace(draws, device="cpu")
        x = images.clone()
        self._curve(x, host)
        self._shuffle(x, host, draws)
        self._paint(x, host)
        return [View(x, original=images)]

    def _strikes(self, host: Draws, what: str) -> Tensor:
        return host.uniform(f"distort/{what}") < self.chances[what]

    def _curve(self, x: Tensor, host: Draws) -> None:
        """A cubic Bezier curve from darkest to brightest, half of them falling."""
        rows = rows_of(self._strikes(host, "curve"))
        handles = host.uniform("distort/handles", 2)[rows].to(x.device, non_blocking=True)
        falls = (host.uniform("distort/falls") < 0.5)[rows].to(x.device, non_blocking=True)
        rows = rows.to(x.device, non_blocking=True)
        some = x[rows].flatten(1)
        low, high = some.amin(1, keepdim=True), some.amax(1, keepdim=True)
        t = (some - low) / (high - low).clamp(min=1e-12)
        bent = 3 * (1 - t) ** 2 * t * handles[:, :1] + 3 * (1 - t) * t**2 * handles[:, 1:] + t**3
        bent = torch.where(falls[:, None], 1 - bent, bent)
        x.index_copy_(0, rows, (low + (high - low) * bent).view(len(rows), *x.shape[1:]))

    def _shuffle(self, x: Tensor, host: Draws, draws: Draws) -> None:
        """Pixels change places within some cells; texture goes and the outline stays."""
        strikes = self._strikes(host, "shuffle")
        rows = rows_of(strikes).to(x.device, non_blocking=True)
        cells = cut(x[rows], self.grid).unflatten(2, (x.shape[1], -1))  # [k, N, C, P]
        places = host.uniform("distort/places", cells.shape[1], cells.shape[3])[strikes]
        chosen = host.uniform("distort/cells", cells.shape[1])[strikes] < self.shuffled
        order = places.argsort(2)
        order = torch.where(chosen[..., None], order, torch.arange(order.shape[2]))
        order = order.to(x.device, non_blocking=True)[:, :, None].expand_as(cells)
        shuffled = cells.gather(3, order).flatten(2)
        x.index_copy_(0, rows, joined(shuffled, self.grid, self.cell))

    def _paint(self, x: Tensor, host: Draws) -> None:
        """Noise in boxes, or everywhere else."""
        low, high = self.box
        side = host.uniform("distort/side", self.boxes, self.dims, low=low, high=high)
        centre = host.uniform("distort/centre", self.boxes, self.dims)
        covered = torch.zeros(len(x), *x.shape[2:], dtype=torch.bool)
        for number in range(self.boxes):
            inside = torch.ones_like(covered)
            for axis, size in enumerate(x.shape[2:]):
                place = (torch.arange(size) + 0.5) / size
                reach = (place - centre[:, number, axis, None]).abs() < side[
                    :, number, axis, None
                ] / 2
                shape = [len(x), *[1] * self.dims]
                shape[1 + axis] = size
                inside &= reach.view(shape)
            covered |= inside
        outside = self._strikes(host, "outside")
        covered ^= outside.view(-1, *[1] * self.dims)
        covered &= self._strikes(host, "paint").view(-1, *[1] * self.dims)
        noise = host.normal("distort/noise", 1)[:, 0].view(-1, 1, *[1] * self.dims)
        where = covered.to(x.device, non_blocking=True)[:, None]
        x.copy_(torch.where(where, noise.to(x.device, non_blocking=True), x))
