"""The only file that knows a rank: gather with gradient, mean of gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

MaybeTensor = TypeVar("MaybeTensor", Tensor, "Tensor | None")


def is_distributed() -> bool:
    """Do several processes train together?"""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def gather(x: MaybeTensor, dim: int = 1) -> MaybeTensor:
    """``[V, B/ranks, ...] -> [V, B, ...]`` of all ranks, with gradient."""
    if x is None or not is_distributed():
        return x
    gathered: Tensor = _Gather.apply(x, dim)  # type: ignore[no-untyped-call]
    return gathered


def mean_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Average the gradients over the ranks, in place.

    Each rank holds the loss of the whole global batch, and ``gather`` sums what all ranks send
    back, so the mean is the gradient that one process would see.
    """
    if not is_distributed():
        return
    for parameter in parameters:
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


class _Gather(torch.autograd.Function):
    """Ours, since torch's own is deprecated and gave wrong gradients over gloo (torch 2.13)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int) -> Tensor:
        ctx.dim = dim
        ctx.rows = x.shape[dim]
        parts = [torch.empty_like(x.contiguous()) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts, dim)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient)
        return gradient.narrow(ctx.dim, dist.get_rank() * ctx.rows, ctx.rows), None
