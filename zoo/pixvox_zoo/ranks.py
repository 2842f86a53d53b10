"""The only file that knows a rank: gather with gradient, mean of gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import torch
import torch.distributed as dist
import torch.distributed.nn.functional as differentiable
from torch import Tensor

MaybeTensor = TypeVar("MaybeTensor", Tensor, "Tensor | None")


def is_distributed() -> bool:
    """Do several processes train together?"""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def gather(x: MaybeTensor, dim: int = 1) -> MaybeTensor:
    """``[V, B/ranks, ...] -> [V, B, ...]`` of all ranks, with gradient."""
    if x is None or not is_distributed():
        return x
    return torch.cat(differentiable.all_gather(x.contiguous()), dim)


def mean_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Average the gradients over the ranks, in place.

    Each rank holds the loss of the whole global batch, and ``gather`` sends the gradients of all
    ranks back to each, so the mean is the gradient that one process would see.
    """
    if not is_distributed():
        return
    for parameter in parameters:
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()
