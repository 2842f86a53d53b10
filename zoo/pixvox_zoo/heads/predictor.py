"""Predictor: from one view's embedding to another's, through a bottleneck (arXiv:2006.07733)."""

from __future__ import annotations

from pixvox_registry import HEADS
from pixvox_zoo.heads.mlp import MLP


@HEADS.register
class Predictor(MLP):
    """One hidden layer, and as many outputs as inputs.

    Args:
        hidden: its width.
    """

    def __init__(self, num_features: int, *, hidden: int = 512) -> None:
        super().__init__(num_features, hidden=[hidden], out=num_features)
