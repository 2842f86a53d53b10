"""From a vector to an image; no skip connections."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_registry import DECODERS
from pixvox_zoo.sub_pixel import SubPixel


@DECODERS.register
class Decoder(nn.Module):
    """Sub-pixel convolutions from the embedding to the image.

    Args:
        width: multiplies the channels.
        channels: of the coarse map at width 1; halved whenever its side is doubled.
        coarsest: greatest side of the coarse map.
        sampled: the embedding is a mean and the logarithm of a variance, one behind the other; in
            training a point is drawn from them, else the mean is painted (a VAE).
    """

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        image_size: int,
        num_features: int,
        width: float = 1.0,
        channels: int = 128,
        coarsest: int = 7,
        sampled: bool = False,
    ) -> None:
        super().__init__()
        self.sampled = sampled
        self.network = SubPixel(
            dims=dims,
            in_channels=in_channels,
            image_size=image_size,
            num_features=num_features // 2 if sampled else num_features,
            channels=max(1, round(channels * width)),
            coarsest=coarsest,
        )

    def forward(self, embedding: Tensor) -> Tensor:
        """``[R, E] -> [R, C, *S]``."""
        if self.sampled:
            embedding, log_variance = embedding.chunk(2, 1)
            if self.training:
                noise = torch.randn_like(embedding)  # of the step's key, as dropout is
                embedding = embedding + noise * (log_variance / 2).exp()
        painted: Tensor = self.network(embedding)
        return painted
