"""Few global and several local crops of every case (arXiv:2006.09882, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.kinds import VIEWS
from pixvox_zoo.crops import Crops

SHARE = 3 / 7  # 96 of 224 pixels in the paper
STEP = 4  # sides of local crops are its multiples, or those of the backbone's patches


@VIEWS.register
class MultiCrop:
    """Global crops are targets and online, local ones are online only: small sees, large says.

    Args:
        dims: 2 or 3.
        image_size: side of the global views, in pixels.
        flips: axes of ``*S`` along which this anatomy may be mirrored.
        patch: side of the backbone's patches, which local crops hold whole, or None.
        global_views: number of global crops.
        local_views: number of local ones.
        local_size: their side, in pixels; by default 3/7 of the global side, as 96 is of 224.
        global_scale: least and greatest share of the case that a global crop covers.
        local_scale: the same of a local one.
        crops: other settings of ``two_crops``, for all crops alike: blur, noise, chances, ...
    """

    provides = ("frame",)

    def __init__(
        self,
        *,
        dims: int,
        image_size: int,
        flips: Sequence[int] = (),
        patch: int | None = None,
        global_views: int = 2,
        local_views: int = 4,
        local_size: int | None = None,
        global_scale: Sequence[float] = (0.25, 1.0),
        local_scale: Sequence[float] = (0.05, 0.25),
        crops: Mapping[str, Any] | None = None,
    ) -> None:
        step = patch or STEP
        side = local_size or step * max(1, round(SHARE * image_size / step))
        if patch and side % patch:
            raise UserError(f"multi_crop's local_size {side} is no multiple of the patch, {patch}.")
        if taken := sorted({"dims", "image_size", "flips", "scale"} & (crops or {}).keys()):
            raise UserError(
                f"Views 'multi_crop' settle {taken[0]} themselves; leave it out of crops."
            )
        shared = {"dims": dims, "flips": flips, **(crops or {})}
        VIEWS.check_settings("two_crops", shared)
        self.num_targets = global_views
        self.num_local = local_views
        self.whole = Crops(image_size=image_size, scale=global_scale, **shared)
        self.parts = Crops(image_size=side, scale=local_scale, **shared)

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S]`` -> global views ``[B, C, *image_size]``, local ``[B, C, *local_size]``."""
        seen = self.whole.cut(images, draws.under("multi_crop/global"), self.num_targets)
        local = self.parts.cut(images, draws.under("multi_crop/local"), self.num_local)
        return seen + [replace(view, role="online") for view in local]
