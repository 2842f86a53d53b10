"""Ranks: what processes that train together exchange, and what they agree on."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from pixvox_registry.console import say
from pixvox_registry.errors import UserError

T = TypeVar("T")
MaybeTensor = TypeVar("MaybeTensor", Tensor, "Tensor | None")


def is_distributed() -> bool:
    """Do several processes train together?"""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def part_at_exit() -> None:
    """Have the process group ended before the interpreter is.

    Fabric does so for NCCL alone, and a thread that gloo has left running may abort a process whose
    work is done and published.
    """
    atexit.register(_part)


def _part() -> None:
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process among them."""
    return dist.get_rank() if is_distributed() else 0


def greatest(number: int, device: torch.device) -> int:
    """The greatest of what all ranks say; each of them has to ask."""
    if not is_distributed():
        return number
    told = torch.tensor(number, device=device)
    dist.all_reduce(told, dist.ReduceOp.MAX)
    return int(told)


@contextmanager
def together(device: torch.device) -> Iterator[None]:
    """What one rank refuses here, all refuse: none waits for one that has left.

    The first of those that refuse says why. Ranks above 0 end with 0, since at any other code
    Fabric kills rank 0 before it has spoken.
    """
    if not is_distributed():
        yield
        return
    refusal: UserError | None = None
    try:
        yield
    except UserError as error:
        refusal = error
    nobody = dist.get_world_size()
    first = -greatest(-(rank() if refusal else nobody), device)
    if first == nobody:
        return
    if refusal and rank() == first == 0:
        raise refusal
    if rank() == first:
        say(f"pixvox: process {first}: {refusal}")
    raise SystemExit(0 if rank() else 2)


def first_alone(act: Callable[[], T], device: torch.device) -> T:
    """Rank 0 acts, then the others do: it clears away what they should not meet."""
    done: list[T] = []
    with together(device):
        if rank() == 0:
            done.append(act())
    return done[0] if done else act()


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
