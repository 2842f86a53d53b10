"""Signals: the vocabulary of an objective. A part receives what its ``forward`` names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from pixvox_registry.contracts import Features

PAIRS: dict[str, Callable[[int, int], bool]] = {
    "other": lambda target, online: target != online,
    "same": lambda target, online: target == online,
    "all": lambda target, online: True,
}


@dataclass
class Signals:
    """What one objective knows of one batch; V online views, G target views.

    Dense streams are flattened: there B stands for B * N.
    """

    online: Tensor | None = None  # [V, B, E]
    target: Tensor | None = None  # [G, B, E]
    pairs: list[tuple[int, int]] = field(default_factory=list)  # (target, online)
    index: Tensor | None = None  # [B]
    scores: Tensor | None = None  # [H, V, B, K]
    assignments: Tensor | None = None  # [H, G or 1, B, K]
    groups: Tensor | None = None  # [L, B]
    queue: Tensor | None = None  # [G, Q, E]
    queue_index: Tensor | None = None  # [Q], cases of the queue
    queue_groups: Tensor | None = None  # [L, Q]
    features: Features | None = None
    embedding: Tensor | None = None  # [R, E]
    prediction: Tensor | None = None  # [V, B, C, *S]
    original: Tensor | None = None  # [V, B, C, *S]
    mask: Tensor | None = None  # [V, B]; with a decoder [V, B, *grid], and it sees [R, *grid]
    labels: Tensor | None = None  # [V, B]
    frame: Tensor | None = None  # [V, B, dims, dims + 1]


def pairs_of(rule: str, targets: Iterable[int], online: Iterable[int]) -> list[tuple[int, int]]:
    """Rows of target and online views that go together, from the numbers of the views.

    >>> pairs_of("other", targets=[0, 1], online=[0, 1, 2])
    [(0, 1), (0, 2), (1, 0), (1, 2)]
    """
    fits = PAIRS[rule]
    mine = list(enumerate(online))
    return [(g, v) for g, target in enumerate(targets) for v, view in mine if fits(target, view)]


def names_of(part: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The signals that a part's ``forward`` names."""
    return inspect.signature(getattr(part, "forward", part)).parameters


def call(part: Callable[..., Any], signals: Signals) -> Tensor:
    """Give a part the signals that it names."""
    known = {name: getattr(signals, name) for name in names_of(part) if hasattr(signals, name)}
    result: Tensor = part(**known)
    return result
