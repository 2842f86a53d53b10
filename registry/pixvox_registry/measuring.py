"""What protocols and metrics promise, what a protocol is given, and what it answers.

Shapes as in :mod:`~pixvox_registry.contracts`.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from pixvox_registry.contracts import Pretrained


@dataclass(frozen=True)
class Predictions:
    """What a protocol says of the test cases, and how it came to say it.

    Of labels, of which several may hold for a case, each has a probability of its own.
    """

    probability: Tensor  # [N, K] float64, rows sum to 1; of labels [N, L], each from 0 to 1
    target: Tensor  # [N] int64; of labels [N, L], 0 or 1
    chosen: Mapping[str, Any]  # hyperparameters chosen on validation, and their scores there
    columns: Mapping[str, Tensor] = field(default_factory=dict)  # {name: [N]}: more for metrics


@dataclass(frozen=True)
class Split:
    """Features of one split: what a probe sees."""

    features: Tensor  # [N, D] float32
    target: Tensor  # [N] int64; of labels [N, L], 0 or 1


class Protocol(typing.Protocol):
    """How a frozen backbone is put to a task. Selection uses train and val only.

    One with ``metrics`` of its own, of which the first ranks, is not scored by the task's. One that
    predicts labels, of which several may hold, has ``answers = ("classes", "labels")``.
    """

    version: str

    def __call__(self, train: Split, val: Split, test: Callable[[], Split]) -> Predictions:
        """Fit on train, choose on val, then open ``test`` once."""
        ...


class Metric(typing.Protocol):
    """A score over cases, for many weightings of the same cases at once."""

    version: str
    higher_is_better: bool
    stratified: bool  # resample within class
    range: tuple[float | None, float | None]  # None: no bound
    conventions: str  # what empty and degenerate cases score

    def __call__(self, *args: Any, **columns: Any) -> Any:
        """``target [N], weight [P, N] -> [P]`` in numpy; a weight counts a case so many times.

        It names ``probability [N, K]``, or a column of the protocol's, as far as it wants them. One
        that scores labels, ``target [N, L]`` and ``probability [N, L]``, says in ``of_labels`` how.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Trial:
    """All that a protocol may know beside the cases.

    Args:
        pretrained: the backbone; a protocol trains a copy, never this one.
        labels: K: classes, or structures and the background.
        flips: axes of ``*S`` along which this anatomy may be mirrored.
        budget: name of the preset that says how long to train.
        seed: of all that is drawn.
        tell: takes a line on how far the training is.
    """

    pretrained: Pretrained
    labels: int
    flips: tuple[int, ...]
    budget: str
    seed: int
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Segmentation:
    """Label maps of the test scans, in their order, and how a protocol came to them."""

    masks: tuple[Tensor, ...]  # each [*S] uint8
    chosen: Mapping[str, Any]  # hyperparameters chosen on validation, and their scores there
