"""Volumes as stacks of slices: a 2D encoder for each, and a fusion of all (arXiv:2212.01893)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import BACKBONES, FUSIONS, Features, UserError
from pixvox_zoo.assembly import assemble
from pixvox_zoo.slices import RESNET, Slices

DEFORMABLE: Mapping[str, Any] = MappingProxyType({"name": "deformable_attention"})


@BACKBONES.register
class SliceFusion(nn.Module):
    """One backbone for images and volumes. An image is a stack of one slice, with nothing to fuse.

    Slices lie along the first axis of a volume. Masked slices are replaced by one learned token,
    and what the fusion says in their place are the tokens.

    Args:
        encoder: a 2D backbone with maps, by name and settings.
        fusion: of the slices, by name and settings.
        features: D, of a slice and of the volume.

    Raises:
        UserError: images alone, or an encoder that gives no maps.
    """

    only_dims = 3
    patch = None
    channels: tuple[int, ...] = ()  # those of slices are the slice encoder's
    strides: tuple[int, ...] = ()
    parts = MappingProxyType({"encoder": BACKBONES, "fusion": FUSIONS})
    exports = MappingProxyType({"slices": ("slice_encoder", 2, ("encoder", "features"))})

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        image_size: int,
        width: float = 1.0,
        stem: str = "imagenet",
        encoder: Mapping[str, Any] = RESNET,
        fusion: Mapping[str, Any] = DEFORMABLE,
        features: int = 640,
    ) -> None:
        super().__init__()
        if dims != 3:
            raise UserError(
                "backbone 'slice_fusion' fuses the slices of volumes, and these cases are 2D. Name "
                "volumes first and images beside them, or take slice_encoder."
            )
        sizes = {"dims": 2, "in_channels": in_channels, "image_size": image_size}
        self.slices = Slices(encoder, features, {**sizes, "width": width, "stem": stem})
        self.num_features = features
        facts = {"num_features": features}
        self.fusion = assemble(FUSIONS, fusion["name"], fusion.get("settings", {}), facts)
        self.token = nn.Parameter(torch.randn(features) * 0.02)

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, *S], mask [B, N] -> pooled [B, D] of unit length, slices and tokens [B, N, D]``.

        Images have slices alone; tokens are there with a mask.

        Raises:
            UserError: a mask that hides anything but slices.
        """
        if images.ndim == 4:
            self._check(mask, 1)
            return Features(slices=self.slices(images).slices)
        stack = images.transpose(1, 2)  # [B, N, C, H, W]
        self._check(mask, stack.shape[1])
        slices = self.slices(stack.flatten(0, 1)).pooled.unflatten(0, stack.shape[:2])
        pooled = F.normalize(self.fusion(slices).mean(1), dim=-1)
        if mask is None:
            return Features(pooled=pooled, slices=slices)
        hidden = mask.to(slices.device, non_blocking=True)[..., None]
        tokens = self.fusion(torch.where(hidden, self.token.to(slices.dtype), slices))
        return Features(pooled=pooled, slices=slices, tokens=tokens)

    def _check(self, mask: Tensor | None, slices: int) -> None:
        if mask is not None and mask.shape[1:] != (slices,):
            raise UserError(
                f"backbone 'slice_fusion' cannot hide {tuple(mask.shape[1:])} of {slices} slices; "
                "masks are [B, N]. Take the views slice_mask."
            )
