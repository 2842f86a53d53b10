"""Adaptation: weights for other channels, other dims or another side, said and proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_zoo.positions import fitted

TOLERANCE = 1e-4  # of the largest feature; what is added up in another order rounds otherwise


def adapted(
    tensors: Mapping[str, Tensor], given: nn.Module, wanted: nn.Module
) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of one backbone for another that differs in channels, dims or side.

    Kernels become volumes by lying in the middle of their depth, with zeros before and behind: as
    at padded borders a volume of equal slices then gives what one of the slices gives. A kernel of
    one channel serves N by an Nth for each, one of N channels serves one by their sum. Positions
    are repeated along the depth, and interpolated.

    Returns what fits, and a line on every tensor that was changed; what cannot be brought to fit
    is handed on as it is.

    Args:
        given: the backbone that the tensors fit.
        wanted: the one that they should fit.
    """
    own = wanted.state_dict()
    made, changes = dict(tensors), []
    for name, tensor in tensors.items():
        if name == "positions" and hasattr(given, "grid"):
            made[name] = _moved(tensor, given, wanted)
        elif name in own and own[name].shape != tensor.shape:
            made[name] = _rechannelled(_inflated(tensor, own[name]), own[name])
        if name in own and made[name] is not tensor and made[name].shape == own[name].shape:
            changes.append(f"{name} {list(tensor.shape)} -> {list(own[name].shape)}")
    return made, changes


def _inflated(kernel: Tensor, wanted: Tensor) -> Tensor:
    """``[D, C, h, w] -> [D, C, d, h, w]`` with the kernel in the middle of the depth."""
    if (kernel.ndim, wanted.ndim) != (4, 5):
        return kernel
    depth = wanted.shape[2]
    volume = kernel.new_zeros(*kernel.shape[:2], depth, *kernel.shape[2:])
    volume[:, :, depth // 2] = kernel
    return volume


def _rechannelled(kernel: Tensor, wanted: Tensor) -> Tensor:
    """``[D, C, *k] -> [D, C', *k]`` where C or C' is 1."""
    if kernel.ndim < 4 or kernel.ndim != wanted.ndim:
        return kernel
    before, after = kernel.shape[1], wanted.shape[1]
    if before == 1:
        return kernel.expand(-1, after, *kernel.shape[2:]) / after
    return kernel.sum(1, keepdim=True) if after == 1 else kernel


def _moved(positions: Tensor, given: nn.Module, wanted: nn.Module) -> Tensor:
    """``[N, D]`` of one grid to another, which may have a depth more."""
    of = cast("tuple[int, ...]", given.grid)
    to = cast("tuple[int, ...]", wanted.grid)
    if len(to) == len(of) + 1:
        return fitted(positions, of, to[1:]).repeat(to[0], 1)
    return fitted(positions, of, to)


def check_agreement(
    given: nn.Module, wanted: nn.Module, images: Tensor, facts: Mapping[str, Any], where: str
) -> None:
    """Refuse an adapted backbone that says otherwise of images that mean the same to both.

    Args:
        images: ``[B, C, *S]`` that fit the given backbone.
        facts: of the wanted one.

    Raises:
        UserError: pooled features differ; this kind of backbone cannot be adapted so.
    """
    before, after = images, images
    if facts["in_channels"] == 1 != images.shape[1]:
        after = images.mean(1, keepdim=True)
        before = after.expand_as(images)
    elif facts["in_channels"] != images.shape[1]:
        after = images.expand(-1, facts["in_channels"], *images.shape[2:])
    if facts["dims"] == images.ndim - 1:
        after = after.unsqueeze(2).expand(-1, -1, facts["image_size"], *images.shape[2:])
    with torch.inference_mode():
        expected, came = given(before).pooled, wanted(after.contiguous()).pooled
    difference = float((expected - came).abs().max())
    if not difference <= TOLERANCE * max(1.0, float(expected.abs().max())):
        raise UserError(
            f"{where} cannot be adapted: where nothing but channels and dims differ, its features "
            f"should be the same, and they differ by {difference:.1e}. Take weights of these "
            "channels and dims."
        )


def intensity_for(intensity: Intensity, channels: int) -> Intensity:
    """The scale for so many channels: each is as the mean of those that there were."""
    if channels == len(intensity.mean):
        return intensity
    mean = sum(intensity.mean) / len(intensity.mean)
    std = sum(intensity.std) / len(intensity.std)
    return replace(intensity, mean=(mean,) * channels, std=(std,) * channels)
