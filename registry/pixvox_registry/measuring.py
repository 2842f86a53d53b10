"""What a protocol that trains is given, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pixvox_registry.contracts import Pretrained


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
