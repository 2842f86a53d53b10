"""Branches: views through a backbone, and the stream of features that an objective follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pixvox_registry.contracts import Batch, Features, View

Encoded = dict[tuple[int, ...], Features]  # numbers of the views that went together -> features


@dataclass(frozen=True)
class Stream:
    """One stream of some views: ``views[i]`` is the number of the view behind ``x[i]``."""

    views: tuple[int, ...]
    x: Tensor  # [V, B, D]; dense streams [V, B*N, D]

    def only(self, wanted: Sequence[int]) -> Stream:
        """The rows of the wanted views."""
        rows = [row for row, view in enumerate(self.views) if view in wanted]
        if len(rows) == len(self.views):
            return self
        shown = torch.stack([self.x[row] for row in rows]) if rows else self.x[:0]
        return Stream(tuple(self.views[row] for row in rows), shown)


def encode(
    backbone: Callable[..., Features],
    views: Sequence[View],
    numbers: Sequence[int],
    *,
    masked: bool,
) -> Encoded:
    """Send views through the backbone; crops of one size go together."""
    sizes: dict[torch.Size, list[int]] = {}
    for number in numbers:
        sizes.setdefault(views[number].image.shape[2:], []).append(number)
    encoded: Encoded = {}
    for same in sizes.values():
        images = torch.cat([views[number].image for number in same])  # [v*B, C, *S]
        masks = [views[number].mask for number in same] if masked else []
        present = [mask for mask in masks if mask is not None]
        mask = torch.cat(present) if len(present) == len(same) else None
        encoded[tuple(same)] = backbone(images, mask)
    return encoded


def stream(encoded: Encoded, name: str, batch: int) -> Stream | None:
    """One stream of all views, or None where the backbone gives none.

    Pooled: ``[V, B, D]`` of every view. Dense: ``[V, B*N, D]`` of the first size, since N differs
    between sizes.
    """
    numbers: list[int] = []
    found: list[Tensor] = []
    for same, features in encoded.items():
        x = _rows(features, name)  # [v*B, ..., D]
        if x is None:
            return None
        numbers += same
        found += list(x.unflatten(0, (len(same), batch)))
        if name != "pooled":
            break
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    x = torch.stack([found[row] for row in order])  # [V, B, (N,) D]
    return Stream(tuple(numbers[row] for row in order), x.flatten(1, -2))


def index_of(name: str, batch: Batch, rows: int) -> Tensor:
    """``[rows]``: of cases; of every slice its own; of every token that of its case."""
    if name == "slices" and batch.slice_index is not None:
        return batch.slice_index.flatten()
    return batch.index.repeat_interleave(rows // len(batch.index))


def over_views(part: Any, x: Tensor) -> Tensor:
    """A head over all views at once: ``[V, B, D] -> [V, B, E]``; the identity without a head."""
    if part is None:
        return x
    result: Tensor = part(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return result


def single(x: Tensor) -> Tensor:
    """At least single precision: losses and clusterings never see half."""
    return x if x.dtype == torch.float64 else x.float()


@contextmanager
def undisturbed(*modules: nn.Module) -> Iterator[None]:
    """Looks that are no steps: the running statistics of BatchNorm are afterwards as before."""
    kept = [(buffer, buffer.clone()) for module in modules for buffer in module.buffers()]
    yield
    for buffer, before in kept:
        buffer.copy_(before)


def _rows(features: Features, name: str) -> Tensor | None:
    if name == "maps":
        return features.maps[-1].flatten(2).mT if features.maps else None  # [B, N, C_L]
    found: Tensor | None = getattr(features, name)
    return found
