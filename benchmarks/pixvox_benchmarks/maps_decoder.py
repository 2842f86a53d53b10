"""From the maps of any backbone to a label for every pixel or voxel (MONAI's blocks)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.blocks.dynunet_block import UnetBasicBlock
from torch import Tensor, nn
from torch.nn.functional import interpolate

NORM = ("instance", {"affine": True})
FINEST = 16  # channels beside the image itself, where no map is as fine


class UNetDecoder(nn.Module):
    """Coarse to fine: enlarge, join the next map, two convolutions (arXiv:1505.04597).

    Where the finest map is coarser than the image, the image is the last to be joined. Maps of
    which a patch has one place alone are left out: there is nothing to outline with them.

    Args:
        channels: of the maps, fine to coarse.
        strides: of the maps.
        labels: K, the background included.
        side: the shortest one of a patch.
    """

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        channels: Sequence[int],
        strides: Sequence[int],
        labels: int,
        side: int,
    ) -> None:
        super().__init__()
        self.used = max(1, sum(2 * stride <= side for stride in strides))
        channels = channels[: self.used]
        self.joins_image = strides[0] > 1
        skips = list(channels[:-1])
        if self.joins_image:
            skips.insert(0, in_channels)
        after = [max(skip, FINEST) for skip in skips]
        before = [*after[1:], channels[-1]]
        self.steps = nn.ModuleList(
            UnetBasicBlock(dims, coarse + skip, fine, 3, 1, NORM)
            for coarse, skip, fine in zip(before, skips, after, strict=True)
        )
        last = after[0] if after else channels[-1]
        self.leave = _pointwise(dims, last, labels)

    def forward(self, images: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """``[B, C, *S], fine to coarse -> [B, K, *S]``."""
        maps = maps[: self.used]
        skips = [images, *maps[:-1]] if self.joins_image else list(maps[:-1])
        x = maps[-1]
        for step, skip in zip(reversed(self.steps), reversed(skips), strict=True):
            x = step(torch.cat([_enlarged(x, skip), skip], 1))
        painted: Tensor = self.leave(x)
        return painted


class LightDecoder(nn.Module):
    """One linear map for each level, summed at the finest: what frozen features say by themselves.

    Args:
        channels: of the maps, fine to coarse.
        labels: K, the background included.
        width: of the sum.
    """

    def __init__(self, *, dims: int, channels: Sequence[int], labels: int, width: int = 64) -> None:
        super().__init__()
        self.levels = nn.ModuleList(  # the coarsest map may be one place: no norm of each channel
            nn.Sequential(nn.GroupNorm(1, count), _pointwise(dims, count, width))
            for count in channels
        )
        self.leave = nn.Sequential(nn.GELU(), _pointwise(dims, width, labels))
        self.mode = "bilinear" if dims == 2 else "trilinear"

    def forward(self, images: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """``[B, C, *S], fine to coarse -> [B, K, *S]``."""
        levels = [level(seen) for level, seen in zip(self.levels, maps, strict=True)]
        size = levels[0].shape[2:]
        joined = torch.stack([interpolate(x, size=size, mode=self.mode) for x in levels]).sum(0)
        return interpolate(self.leave(joined), size=images.shape[2:], mode=self.mode)


def _pointwise(dims: int, before: int, after: int) -> nn.Module:
    return (nn.Conv2d if dims == 2 else nn.Conv3d)(before, after, 1)


def _enlarged(x: Tensor, like: Tensor) -> Tensor:
    if x.shape[2:] == like.shape[2:]:
        return x
    return interpolate(x, size=like.shape[2:], mode="nearest-exact")
