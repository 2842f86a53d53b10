"""Whole slices of each volume hidden, the same in all its views (arXiv:2212.01893)."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.kinds import VIEWS


@VIEWS.register
class SliceMask:
    """Each volume as it is, and a mask over its slices, which lie along its first axis.

    An image is one slice and has no mask.

    Args:
        share: of the slices that are hidden, and at least one of them.

    Raises:
        UserError: a share that hides everything.
    """

    num_targets = 1
    provides = ("mask",)
    keeps_places = True

    def __init__(self, *, dims: int, share: float = 0.1) -> None:
        if not 0 <= share < 1:
            raise UserError(f"Views 'slice_mask' hide a share from 0 to below 1, not {share}.")
        self.dims = dims
        self.share = share

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> image [B, C, *S], mask [B, N] on the CPU``."""
        if self.dims == 2:
            return [View(images)]
        slices = images.shape[2]
        hidden = max(1, round(self.share * slices))
        of_the_case = replace(draws, device="cpu", scope="")  # whichever view of it this is
        u = of_the_case.uniform("slice_mask", slices)
        return [View(images, mask=u.argsort(1).argsort(1) < hidden)]
