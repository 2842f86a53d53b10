"""Each case as it is, with blocks of it hidden (arXiv:2111.06377 and 2111.09886)."""

from __future__ import annotations

import math
from dataclasses import replace

from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.kinds import VIEWS


@VIEWS.register
class BlockMask:
    """One view, and a mask over the backbone's patches that hides the same share in every case.

    Args:
        patch: side of the backbone's patches, in pixels.
        share: of the blocks that are hidden.
        block: side of a block, in patches; 1 hides single patches. Blocks at the far edges are cut
            where they do not fill the image, and cases then differ by a few patches.

    Raises:
        UserError: a backbone without patches, patches that do not fill the image, or a share that
            hides nothing or everything.
    """

    num_targets = 1
    provides = ("mask",)
    keeps_places = True

    def __init__(
        self,
        *,
        dims: int,
        image_size: int,
        patch: int | None,
        share: float = 0.75,
        block: int = 1,
    ) -> None:
        if patch is None:
            raise UserError("block_mask hides patches; this backbone has none. Take vit or swin.")
        self.side, over = divmod(image_size, patch)
        if over:
            raise UserError(
                f"Views 'block_mask' hide patches of {patch} px, which do not fill {image_size}; "
                "set the backbone's patch to a divisor."
            )
        self.blocks, self.block = (math.ceil(self.side / block),) * dims, block
        self.hidden = round(share * math.prod(self.blocks))
        if not 0 < self.hidden < math.prod(self.blocks):
            raise UserError(
                f"Views 'block_mask' would hide {self.hidden} of {math.prod(self.blocks)} blocks "
                f"at share {share}; hide some and leave some."
            )

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> image [B, C, *S], mask [B, *grid] on the CPU``."""
        u = replace(draws, device="cpu").uniform("block_mask", math.prod(self.blocks))
        mask = (u.argsort(1).argsort(1) < self.hidden).unflatten(1, self.blocks)
        for axis in range(1, mask.ndim):
            mask = mask.repeat_interleave(self.block, axis).narrow(axis, 0, self.side)
        return [View(images, mask=mask)]
