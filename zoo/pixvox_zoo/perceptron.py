"""Perceptron: the layers that most heads are made of."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn


class Perceptron(nn.Module):
    """Linear, BatchNorm and ReLU for each hidden layer, and a last linear layer.

    No layer has a bias: a norm would cancel it, and so do the losses that standardise, which leaves
    it to rounding errors.
    """

    def __init__(
        self, num_features: int, hidden: Sequence[int], out: int, *, last_norm: bool = False
    ) -> None:
        super().__init__()
        self.num_outputs = out
        layers: list[nn.Module] = []
        width = num_features
        for following in hidden:
            layers += [
                nn.Linear(width, following, bias=False),
                nn.BatchNorm1d(following),
                nn.ReLU(inplace=True),
            ]
            width = following
        layers.append(nn.Linear(width, out, bias=False))
        if last_norm:
            layers.append(nn.BatchNorm1d(out, affine=False))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """``[R, D] -> [R, E]``."""
        embedding: Tensor = self.layers(x)
        return embedding
