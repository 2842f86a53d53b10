"""A U-Net's way up: every map of the backbone is a skip connection (arXiv:1505.04597)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pixvox_registry import DECODERS, Features
from pixvox_zoo.convolution import ease
from pixvox_zoo.resampling import grown


@DECODERS.register
class UNetDecoder(nn.Module):
    """From the coarsest map upwards: upsample, join the next finer map, convolve.

    Args:
        channels_of_maps: of the backbone's maps, fine to coarse.
        most: greatest number of channels on the way up.
    """

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        image_size: int,
        channels_of_maps: Sequence[int],
        most: int = 128,
    ) -> None:
        from monai.networks.blocks.dynunet_block import UnetBasicBlock

        super().__init__()
        self.size = (image_size,) * dims
        *finer, width = channels_of_maps
        norm = ("instance", {"affine": True})
        steps: list[nn.Module] = []
        for channels in reversed(finer):
            out = min(channels, most)
            steps.append(UnetBasicBlock(dims, width + channels, out, 3, 1, norm))
            width = out
        self.steps = nn.ModuleList(steps)
        ease(self.steps)
        convolution = nn.Conv2d if dims == 2 else nn.Conv3d
        self.leave = convolution(width, in_channels, 1)

    def forward(self, features: Features) -> Tensor:
        """``maps, each [R, C_l, *S_l] -> [R, C, *S]``."""
        *finer, x = features.maps
        for step, skip in zip(self.steps, reversed(finer), strict=True):
            x = step(torch.cat([grown(x, skip.shape[2:]), skip], 1))
        if x.shape[2:] != self.size:
            x = grown(x, self.size)
        painted: Tensor = self.leave(x)
        return painted
