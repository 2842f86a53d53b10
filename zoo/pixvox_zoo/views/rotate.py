"""Rotations by right angles, to be told apart (arXiv:1803.07728)."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import torch
from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.kinds import VIEWS


@VIEWS.register
class Rotate:
    """Each case turned by right angles; the label ``rotation`` says how.

    Four labels in 2D. Ten in 3D: none, and one, two and three quarters about each axis.

    Args:
        views: how many, each with a turn of its own.
    """

    provides = ("labels",)

    def __init__(self, *, dims: int, views: int = 1) -> None:
        self.num_targets = views
        planes = combinations(range(2, 2 + dims), 2)
        self.turns = [(0, (2, 3)), *((k, plane) for plane in planes for k in (1, 2, 3))]
        self.num_classes = {"rotation": len(self.turns)}

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> views [B, C, *S] with labels rotation [B]``.

        Raises:
            UserError: images that are not square or cubic, which a turn would give another shape.
        """
        if len(set(images.shape[2:])) > 1:
            raise UserError(f"Views 'rotate' want squares or cubes, not {tuple(images.shape[2:])}.")
        drawn = replace(draws, device="cpu").integers("rotate", len(self.turns), self.num_targets)
        return [self._turned(images, which) for which in drawn.unbind(1)]

    def _turned(self, images: Tensor, which: Tensor) -> View:
        image = torch.empty_like(images)
        for label, (k, plane) in enumerate(self.turns):
            rows = (which == label).nonzero().flatten().to(images.device, non_blocking=True)
            image.index_copy_(0, rows, images[rows].rot90(k, plane))
        return View(image, labels={"rotation": which.to(images.device, non_blocking=True)})
