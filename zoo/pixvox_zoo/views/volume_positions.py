"""A random crop and the grid of crops that it may overlap (VoCo, arXiv:2402.17300)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import torch
from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.kinds import VIEWS
from pixvox_zoo import affine
from pixvox_zoo.resampling import crops


@VIEWS.register
class VolumePositions:
    """Base crops tile the case and are targets; random crops of their size are online.

    The label ``overlap`` of a random crop says which share of it lies in each base crop, so where
    it comes from is a matter of content alone. Areas in 2D, volumes in 3D.

    Args:
        dims: 2 or 3.
        image_size: side of the case, in pixels.
        flips: axes of ``*S`` along which this anatomy may be mirrored; random crops are.
        grid: base crops along each axis.
        random_views: random crops of every case.
    """

    provides = ("labels", "frame")

    def __init__(
        self,
        *,
        dims: int,
        image_size: int,
        flips: Sequence[int] = (),
        grid: int = 2,
        random_views: int = 2,
    ) -> None:
        if not 2 <= grid <= image_size:
            raise UserError(f"volume_positions want a grid from 2 to {image_size}; it is {grid}.")
        self.dims = dims
        self.size = image_size // grid
        self.flips = list(flips)
        self.grid = grid
        self.random_views = random_views
        self.num_targets = grid**dims
        along = (2 * torch.arange(grid) + 1) / grid - 1  # centres on one axis, from -1 to 1
        self.centres = torch.tensor(list(product(along.tolist(), repeat=dims)))  # [n, dims]

    @torch.no_grad()
    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S]`` -> random crops with labels overlap ``[B, n]``, then n base crops."""
        host = replace(draws, device="cpu").under("volume_positions")
        spread = 1 - 1 / self.grid
        centre = spread * (2 * host.uniform("centre", self.random_views, self.dims) - 1)
        mirror = torch.ones_like(centre)
        if self.flips:
            heads = host.uniform("flip", self.random_views, self.dims) < 0.5
            mirror[..., self.flips] -= 2 * heads[..., self.flips].float()
        bases = self.centres.expand(len(images), -1, -1)
        overlaps = self._overlap(centre).to(images.device, non_blocking=True)  # [B, R, n]
        views = []
        for number in range(self.random_views):
            view = self._cut(images, centre[:, number], mirror[:, number], role="online")
            views.append(replace(view, labels={"overlap": overlaps[:, number]}))
        for number in range(self.num_targets):
            views.append(self._cut(images, bases[:, number], torch.ones(self.dims), role="target"))
        return views

    def _overlap(self, centre: Tensor) -> Tensor:
        """``[B, R, dims] -> [B, R, n]``: share of each random crop in each base crop; sums to 1."""
        apart = (centre.unsqueeze(-2) - self.centres).abs()  # [B, R, n, dims]
        return (1 - apart * self.grid / 2).clamp(min=0).prod(-1)

    def _cut(self, images: Tensor, centre: Tensor, mirror: Tensor, *, role: str) -> View:
        side = (mirror / self.grid).expand_as(centre)
        frame = affine.frames(side, centre, torch.eye(self.dims), images.shape[2:])
        frame = frame.to(images.device, non_blocking=True)
        return View(crops(images, frame, self.size), role=role, frame=frame)
