"""Convolutions where a library's are slow: at one position, and with a few channels."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEW = 16  # channels that fill a vector of a CPU


class Convolution(nn.Module):
    """Stands in for a square convolution of one group: same weight, same key, same numbers.

    At 28 px the last stage of a ResNet is a single pixel, and of its 3-wide kernels (9 or 27
    taps) all but those on the pixel meet padding. Leaving them out shortens the step of a ResNet-18
    on CPU by an eighth in 2D and a quarter in 3D.

    Args:
        convolution: the one to stand in for; its parameters are taken over.
    """

    def __init__(self, convolution: nn.Conv2d | nn.Conv3d) -> None:
        super().__init__()
        self.weight = convolution.weight  # [D, C, *kernel]
        self.bias = convolution.bias
        self.stride = convolution.stride[0]
        self.padding = int(convolution.padding[0])

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, *S] -> [B, D, *S']``."""
        dims, side, kernel = x.ndim - 2, x.shape[-1], self.weight.shape[-1]
        steps = (side + 2 * self.padding - kernel) // self.stride
        covered = 0 < side <= kernel - self.padding  # by the kernel at its first position
        if steps > 0 or not covered or len(set(x.shape[2:])) > 1:
            convolve = F.conv2d if dims == 2 else F.conv3d
            return convolve(x, self.weight, self.bias, self.stride, self.padding)
        taps = tuple([slice(None)] * 2 + [slice(self.padding, self.padding + side)] * dims)
        product = F.linear(x.flatten(1), self.weight[taps].flatten(1), self.bias)  # [B, D]
        return product.reshape(*product.shape, *[1] * dims)


def ease(block: nn.Module) -> None:
    """Hand volumes to a block's convolutions of few channels with these side by side.

    They then cost half on CPU. Convolutions of many channels gain nothing.
    """
    for module in block.modules():
        if isinstance(module, nn.Conv3d) and module.out_channels < FEW:
            module.register_forward_pre_hook(_channels_last)


def _channels_last(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
    return (inputs[0].contiguous(memory_format=torch.channels_last_3d),)
