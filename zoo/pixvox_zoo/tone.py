"""How bright, how strong, how noisy: intensity arithmetic on whole batches."""

from __future__ import annotations

import torch
from torch import Tensor


def graded(
    images: Tensor, contrast: Tensor, brightness: Tensor, gamma: Tensor | None = None
) -> Tensor:
    """``[B, C, *S] -> [B, C, *S]``: contrast about the mean, then brightness, then gamma.

    Contrast and brightness keep the order of the pixels, so gamma finds each pixel's place between
    darkest and brightest in the images as they came, and all three are one pass.

    Args:
        contrast: ``[B, 1 or C]``, above 0; 1 changes nothing.
        brightness: ``[B, 1 or C]``, added, in units of the images.
        gamma: ``[B, 1 or C]``, exponent between darkest (0) and brightest (1) of each channel.
    """
    pixels = images.flatten(2)  # [B, C, N]
    mean = pixels.mean(2)
    if gamma is None:
        return torch.addcmul(
            _spread(torch.addcmul(mean + brightness, mean, contrast, value=-1), images),
            images,
            _spread(contrast, images),
        )
    darkest = pixels.amin(2)
    width = pixels.amax(2) - darkest
    lifted = torch.addcmul(mean + brightness, contrast, darkest - mean)  # the darkest, afterwards
    place = (images - _spread(darkest, images)).div_(_spread(width.clamp(min=1e-12), images))
    place = place.pow_(_spread(gamma.expand_as(mean), images))
    return place.mul_(_spread(contrast * width, images)).add_(_spread(lifted, images))


def greyed(images: Tensor, grey: Tensor) -> Tensor:
    """``[B, C, *S], [B] -> [B, C, *S]``: the mean of the channels in each, where grey is 1."""
    return images.lerp(images.mean(1, keepdim=True), _spread(grey.unsqueeze(1), images))


def noisy(images: Tensor, noise: Tensor, std: Tensor) -> Tensor:
    """``[B, C, *S], [B, C, *S], [B] -> [B, C, *S]``: standard normal noise, scaled and added."""
    return torch.addcmul(images, noise, _spread(std.unsqueeze(1), images))


def _spread(values: Tensor, images: Tensor) -> Tensor:
    """``[B, c] -> [B, c, 1, ...]``, to go with images."""
    return values.view(*values.shape, *[1] * (images.ndim - 2))
