"""Predictor: from one view's embedding to another's, through a bottleneck (arXiv:2006.07733)."""

from __future__ import annotations

from pixvox_registry import HEADS
from pixvox_zoo.perceptron import Perceptron


@HEADS.register
def predictor(num_features: int, *, hidden: int = 512) -> Perceptron:
    """One hidden layer, and as many outputs as inputs.

    Args:
        hidden: its width.
    """
    return Perceptron(num_features, [hidden], num_features)
