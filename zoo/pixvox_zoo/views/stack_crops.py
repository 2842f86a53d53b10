"""Two crops of every volume that cut its stack of slices alike (arXiv:2212.01893)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.kinds import VIEWS
from pixvox_zoo.chance import Chance
from pixvox_zoo.crops import Crops


@VIEWS.register
class StackCrops(Crops):
    """Slice n of one view is slice n of the other.

    Place, zoom and mirroring along the first axis of a volume are those of the first view. Of an
    image nothing is shared.

    Its settings are those of ``two_crops``, but that volumes are not turned.

    Raises:
        UserError: a rotation of volumes, which would mix slices.
    """

    num_targets = 2
    provides = ("frame",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dims == 3 and self.rotation:
            raise UserError("Views 'stack_crops' keep slices apart: volumes take no rotation.")

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> 2 views [B, C, *image_size]``."""
        return self.cut(images, draws.under("stack_crops"), self.num_targets)

    def _geometry(self, chance: Chance, shape: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        frame, turned, sigma = super()._geometry(chance, shape)
        if self.dims == 3:
            first, *others = frame.chunk(self.num_targets)
            for other in others:
                other[:, 0] = first[:, 0]
        return frame, turned, sigma
