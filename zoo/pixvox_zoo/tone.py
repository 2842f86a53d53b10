"""Contrast, brightness, gamma, grey and noise on whole batches, in place.

In place, because fresh memory for a batch of volumes costs more than the arithmetic.
"""

from __future__ import annotations

from torch import Tensor


def grade(images: Tensor, contrast: Tensor, brightness: Tensor) -> None:
    """``[B, C, *S]`` becomes ``mean + contrast (x - mean) + brightness``, channel by channel.

    Args:
        contrast: ``[B, 1 or C]``; 1 changes nothing.
        brightness: ``[B, 1 or C]``, in units of the images.
    """
    mean = images.flatten(2).mean(2)  # [B, C]
    shift = mean - mean * contrast + brightness
    images.mul_(_spread(contrast, images)).add_(_spread(shift, images))


def bend(images: Tensor, rows: Tensor, gamma: Tensor) -> None:
    """``[B, C, *S], [k], [k]``: ``place ** gamma`` between darkest (0) and brightest (1), in rows.

    Darkest and brightest are each channel's own and stay; a constant image stays as it is.
    """
    some = images[rows].flatten(2)  # [k, C, N]
    darkest = some.amin(2, keepdim=True)
    width = some.amax(2, keepdim=True) - darkest
    some.sub_(darkest).div_(width.clamp(min=1e-12)).pow_(gamma.view(-1, 1, 1))
    images.index_copy_(0, rows, some.mul_(width).add_(darkest).unflatten(2, images.shape[2:]))


def grey(images: Tensor, rows: Tensor) -> None:
    """``[B, C, *S], [k]``: every channel becomes the mean of all, in rows."""
    some = images[rows]
    images.index_copy_(0, rows, some.mean(1, keepdim=True).expand_as(some))


def add_noise(images: Tensor, rows: Tensor, noise: Tensor, std: Tensor) -> None:
    """``[B, C, *S], [k], [k, C, *S], [k]``: standard normal noise, scaled and added, in rows."""
    images.index_add_(0, rows, noise * _spread(std.unsqueeze(1), images))


def _spread(values: Tensor, images: Tensor) -> Tensor:
    """``[B, c] -> [B, c, 1, ...]``, to go with images."""
    return values.view(*values.shape, *[1] * (images.ndim - 2))
