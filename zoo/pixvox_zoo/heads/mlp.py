"""MLP: linear, BatchNorm and ReLU for each hidden layer, and a last linear layer."""

from __future__ import annotations

from collections.abc import Sequence

from pixvox_registry import HEADS
from pixvox_zoo.perceptron import Perceptron


@HEADS.register
def mlp(
    num_features: int,
    *,
    hidden: Sequence[int] = (512,),
    out: int = 128,
    last_norm: bool = False,
) -> Perceptron:
    """Projector or predictor; its output is raw.

    Args:
        hidden: width of each hidden layer.
        out: E.
        last_norm: end with a BatchNorm without affine parameters.
    """
    return Perceptron(num_features, hidden, out, last_norm=last_norm)
