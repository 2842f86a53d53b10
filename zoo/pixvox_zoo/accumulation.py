"""Accumulation: batches that make one step together, and what they leave behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor

from pixvox_registry.draws import key
from pixvox_zoo.feed import Feed
from pixvox_zoo.wiring import Trace, Wiring

T = TypeVar("T")


def learn(wiring: Wiring, feed: Feed, numbers: Sequence[int], fabric: Fabric) -> Tensor:
    """Forward and backward of some batches, each with its own views and loss: the losses ``[N]``.

    The gradients that stay are those of the mean loss. Queues, banks and centres look the same to
    every batch and, as the wiring moves them after the step, get the cases of all: a loss that is
    a mean over cases cannot tell N batches of B from one of N * B.
    """
    losses: list[Tensor] = []
    parts: list[dict[str, Tensor]] = []
    traces: list[dict[str, Trace]] = []
    for number in numbers:
        torch.manual_seed(key(feed.seed, "dropout", number, fabric.global_rank))
        with fabric.autocast():
            loss: Tensor = wiring(feed.at(number), feed.draws_at(number))
        if loss.requires_grad:  # else no objective of this stage has anything to say of the batch
            (loss / len(numbers)).backward()
        losses.append(loss.detach())
        parts.append({name: part.detach() for name, part in wiring.losses.items()})
        traces.append(wiring.traces)
    wiring.losses = {name: torch.stack(of).mean() for name, of in by_name(parts).items()}
    wiring.traces = {name: joined(of) for name, of in by_name(traces).items()}
    return torch.stack(losses)


def by_name(said: Iterable[Mapping[str, T]]) -> dict[str, list[T]]:
    """What batches say of each objective that they serve, in their order."""
    found: dict[str, list[T]] = {}
    for of_batch in said:
        for name, x in of_batch.items():
            found.setdefault(name, []).append(x)
    return found


def joined(traces: Sequence[Trace]) -> Trace:
    """The trace of one batch of all their cases."""
    assigned = [trace.assignments for trace in traces if trace.assignments is not None]
    return Trace(
        target=torch.cat([trace.target for trace in traces], 1),  # [G, N*B, E]
        clustered=torch.cat([trace.clustered for trace in traces], 1),
        index=torch.cat([trace.index for trace in traces]),
        assignments=torch.cat(assigned, 2) if assigned else None,  # [H, G or 1, N*B, K]
    )
