"""Tensors of one backbone brought to the shapes of another: kernels, channels, positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from torch import Tensor, nn

from pixvox_zoo.positions import fitted


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
    own, grids, others = wanted.state_dict(), grids_of(given), grids_of(wanted)
    made, changes = dict(tensors), []
    for name, tensor in tensors.items():
        if name in grids and name in others:
            made[name] = _moved(tensor, grids[name], others[name])
        elif name in own and own[name].shape != tensor.shape:
            made[name] = _rechannelled(_inflated(tensor, own[name]), own[name])
        if name in own and made[name] is not tensor and made[name].shape == own[name].shape:
            changes.append(f"{name} {list(tensor.shape)} -> {list(own[name].shape)}")
    return made, changes


def grids_of(backbone: nn.Module) -> dict[str, tuple[int, ...]]:
    """Names of its position embeddings, and the grid of patches that each is of."""
    return {
        f"{place}.positions".lstrip("."): cast("tuple[int, ...]", module.grid)
        for place, module in backbone.named_modules()
        if hasattr(module, "grid") and hasattr(module, "positions")
    }


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


def _moved(positions: Tensor, of: tuple[int, ...], to: tuple[int, ...]) -> Tensor:
    """``[N, D]`` of one grid to another, which may have a depth more."""
    if len(to) == len(of) + 1:
        return fitted(positions, of, to[1:]).repeat(to[0], 1)
    return fitted(positions, of, to)
