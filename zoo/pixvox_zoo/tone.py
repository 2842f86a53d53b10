"""How strong, how bright, how grey, how noisy: intensity arithmetic on whole batches."""

from __future__ import annotations

import torch
from torch import Tensor


def graded(images: Tensor, contrast: Tensor, brightness: Tensor) -> Tensor:
    """``[B, C, *S] -> [B, C, *S]``: ``mean + contrast (x - mean) + brightness``, of each channel.

    Args:
        contrast: ``[B, 1 or C]``; 1 changes nothing.
        brightness: ``[B, 1 or C]``, in units of the images.
    """
    mean = images.flatten(2).mean(2)  # [B, C]
    shift = torch.addcmul(mean + brightness, mean, contrast, value=-1)
    return torch.addcmul(_spread(shift, images), images, _spread(contrast, images))


def bent(images: Tensor, gamma: Tensor) -> Tensor:
    """``[B, C, *S], [B] -> [B, C, *S]``: ``place ** gamma`` between darkest (0) and brightest (1).

    Darkest and brightest are each channel's own and stay; a constant image stays as it is.
    """
    pixels = images.flatten(2)  # [B, C, N]
    darkest = pixels.amin(2, keepdim=True)
    width = pixels.amax(2, keepdim=True) - darkest
    place = (pixels - darkest).div_(width.clamp(min=1e-12)).pow_(gamma.view(-1, 1, 1))
    return torch.addcmul(darkest, place, width).view_as(images)


def greyed(images: Tensor, grey: Tensor) -> Tensor:
    """``[B, C, *S], [B] -> [B, C, *S]``: the mean of the channels in each of them, where 1."""
    return images.lerp(images.mean(1, keepdim=True), _spread(grey.unsqueeze(1), images))


def noisy(images: Tensor, noise: Tensor, std: Tensor) -> Tensor:
    """``[B, C, *S], [B, C, *S], [B] -> [B, C, *S]``: standard normal noise, scaled and added."""
    return torch.addcmul(images, noise, _spread(std.unsqueeze(1), images))


def _spread(values: Tensor, images: Tensor) -> Tensor:
    """``[B, c] -> [B, c, 1, ...]``, to go with images."""
    return values.view(*values.shape, *[1] * (images.ndim - 2))
