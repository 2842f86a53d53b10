"""Crops as small matrices: one per axis holds zoom, mirroring, smoothing and blur together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def crops(
    images: Tensor,
    frame: Tensor,
    size: int,
    sigma: Tensor | None = None,
    blurred: Tensor | slice = slice(None),
) -> Tensor:
    """``[B, C, *S] -> [B, C, *size]``: crops of unturned frames, blurred.

    Along each axis a crop is one product with a matrix, which costs a third of ``grid_sample`` in
    2D and a seventh in 3D, and blurring a matrix costs less than blurring a volume.

    Args:
        frame: ``[B, dims, dims + 1]``; only its diagonal and its last column are read.
        sigma: ``[B, 1 or dims]``, standard deviation of the blur, of each axis or of all, in pixels
            of the crop.
        blurred: rows where sigma is not 0, if they are known; saves the products with identities.
    """
    x = images.movedim(1, -1)  # [B, *S, C]
    if sigma is not None:
        blurs = [gaussian(of_axis, size) for of_axis in sigma[blurred].unbind(1)]
    for axis, inputs in enumerate(images.shape[2:]):
        weights = interpolation(frame[:, axis, axis], frame[:, axis, -1], inputs, size)
        if sigma is not None:
            weights[blurred] = blurs[axis % len(blurs)] @ weights[blurred]
        # The first axis goes out and comes back last, so after all of them C stands in front.
        x = x.reshape(len(images), inputs, -1).mT @ weights.mT  # [B, rest, size]
    return x.reshape(*images.shape[:2], *[size] * (images.ndim - 2))


def turned_crops(images: Tensor, frame: Tensor, size: int, sigma: Tensor | None = None) -> Tensor:
    """``[B, C, *S] -> [B, C, *size]``: as ``crops``, for frames with a rotation.

    They are sampled as finely as the case itself, then brought to size, so that nothing aliases.
    """
    dims = frame.shape[1]
    fine = [max(size, inputs) for inputs in images.shape[2:]]
    # torch writes the last axis first
    theta = torch.cat((frame[..., :dims].flip(1, 2), frame[..., dims:].flip(1)), -1)
    grid = functional.affine_grid(theta, [*images.shape[:2], *fine], align_corners=False)
    x = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    whole = torch.eye(dims, dims + 1, device=images.device).expand_as(frame)
    return crops(x, whole, size, sigma)


def grown(x: Tensor, sides: Sequence[int]) -> Tensor:
    """``[B, C, *S] -> [B, C, *sides]``: maps brought to a size, linear between their pixels.

    What torch's ``interpolate`` gives for sides no smaller than ``S``, by products alone: they cost
    no more on a CPU, and on CUDA their gradient is the same bits in every run, which its is not.
    """
    images = x.flatten(0, 1)
    whole, centre = torch.ones(1, device=x.device), torch.zeros(1, device=x.device)
    for inputs, side in zip(x.shape[2:], sides, strict=True):
        weights = interpolation(whole, centre, inputs, side)[0].to(x.dtype)
        images = images.reshape(len(images), inputs, -1).mT @ weights.T  # its axis goes last
    return images.reshape(*x.shape[:2], *sides)


def interpolation(scale: Tensor, centre: Tensor, inputs: int, outputs: int) -> Tensor:
    """``[B], [B] -> [B, outputs, inputs]``: linear interpolation along one axis; rows sum to 1.

    Where crops may be coarser than the case, the triangle widens and smooths (no aliasing).

    Args:
        scale: side of the crop as a fraction of the case's, 1 at most; negative: mirrored.
        centre: of the crop, from -1 to 1 along the case.
    """
    pixels = torch.arange(inputs, dtype=scale.dtype, device=scale.device)
    step = scale * (inputs / outputs)  # pixels of the case per pixel of the crop
    middle = (centre * inputs + inputs - 1) / 2
    offsets = torch.arange(outputs, dtype=scale.dtype, device=scale.device) - (outputs - 1) / 2
    places = torch.addcmul(middle.unsqueeze(1), step.unsqueeze(1), offsets)  # [B, outputs]
    if inputs <= outputs:
        places = places.clamp_(0, inputs - 1).unsqueeze(2)
        return (places - pixels).abs_().neg_().add_(1).clamp_(min=0)  # in place: memory is slow
    slope = step.abs().clamp(min=1).reciprocal().neg().view(-1, 1, 1)
    return _normalised((places.unsqueeze(2) - pixels).abs_().mul_(slope).add_(1).clamp_(min=0))


def gaussian(sigma: Tensor, size: int) -> Tensor:
    """``[B] -> [B, size, size]``: blur along one axis; sigma 0 is the identity."""
    distance = torch.arange(1 - size, size, device=sigma.device, dtype=sigma.dtype)
    precision = sigma.clamp(min=0.03).square().reciprocal().unsqueeze(1)
    exponent = (precision * distance.square()).mul_(-0.5).clamp_(min=-80)  # denormals are slow
    kernel = exponent.exp_()  # [B, 2 size - 1]
    return _normalised(kernel.unfold(1, size, 1).flip(1))  # row i is the kernel about i


def _normalised(weights: Tensor) -> Tensor:
    """Rows that sum to 1."""
    return weights.div_(weights.sum(-1, keepdim=True))
