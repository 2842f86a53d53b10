"""A decoder that is told the cluster beside the vector (arXiv:2209.12005)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_registry import DECODERS
from pixvox_zoo.sub_pixel import SubPixel


@DECODERS.register
class ConditionedDecoder(nn.Module):
    """Sub-pixel convolutions from ``[h, c]``, where c says how far h belongs to each cluster.

    c is the softmax of the scores over the temperature, so what is painted moves the clusters too.
    Without a clustering c is zero: a warm-up trains the rest.

    Args:
        conditions: room for c, the clustering's K.
        temperature: of the softmax.
        width: multiplies the channels.
        channels: of the coarse map at width 1; halved whenever its side is doubled.
        coarsest: greatest side of the coarse map.
    """

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        image_size: int,
        num_features: int,
        width: float = 1.0,
        conditions: int = 20,
        temperature: float = 0.1,
        channels: int = 128,
        coarsest: int = 4,
    ) -> None:
        super().__init__()
        self.conditions = conditions
        self.temperature = temperature
        self.network = SubPixel(
            dims=dims,
            in_channels=in_channels,
            image_size=image_size,
            num_features=num_features + conditions,
            channels=max(1, round(channels * width)),
            coarsest=coarsest,
        )

    def forward(self, embedding: Tensor, scores: Tensor | None = None) -> Tensor:
        """``[R, E], [1, R, K] -> [R, C, *S]``."""
        if scores is None:
            c = embedding.new_zeros(len(embedding), self.conditions)
        else:
            c = (scores[0] / self.temperature).softmax(-1)
        painted: Tensor = self.network(torch.cat([embedding, c], 1))
        return painted
