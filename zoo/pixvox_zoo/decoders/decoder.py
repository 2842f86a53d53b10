"""Convolutions from a vector to an image, doubling its side step by step; no skip connections."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_registry import DECODERS
from pixvox_zoo.resampling import grown


@DECODERS.register
class Decoder(nn.Module):
    """A linear layer to a coarse map, then upsampling, convolution, norm and GELU at each step.

    Args:
        width: multiplies the channels.
        channels: of the coarse map at width 1; halved at every step down to ``fewest``.
        coarsest: greatest side of the coarse map.
        fewest: channels before the last convolution, at least, at width 1.
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
        fewest: int = 16,
        sampled: bool = False,
    ) -> None:
        super().__init__()
        self.sampled = sampled
        channels, fewest = (max(1, round(count * width)) for count in (channels, fewest))
        convolution = nn.Conv2d if dims == 2 else nn.Conv3d
        norm = nn.BatchNorm2d if dims == 2 else nn.BatchNorm3d
        self.sides = [image_size]
        while self.sides[0] > coarsest:
            self.sides.insert(0, (self.sides[0] + 1) // 2)
        self.shape = (channels, *[self.sides[0]] * dims)
        self.enter = nn.Linear(
            num_features // 2 if sampled else num_features, channels * self.sides[0] ** dims
        )
        steps: list[nn.Module] = []
        for _ in self.sides[1:]:
            following = max(fewest, channels // 2)
            steps.append(
                nn.Sequential(
                    convolution(channels, following, 3, padding=1, bias=False),
                    norm(following),
                    nn.GELU(),
                )
            )
            channels = following
        self.steps = nn.ModuleList(steps)
        self.leave = convolution(channels, in_channels, 3, padding=1)

    def forward(self, embedding: Tensor) -> Tensor:
        """``[R, E] -> [R, C, *S]``."""
        if self.sampled:
            embedding, log_variance = embedding.chunk(2, 1)
            if self.training:
                noise = torch.randn_like(embedding)  # of the step's key, as dropout is
                embedding = embedding + noise * (log_variance / 2).exp()
        x = self.enter(embedding).unflatten(1, self.shape)
        for side, step in zip(self.sides[1:], self.steps, strict=True):
            x = step(grown(x, (side,) * (x.ndim - 2)))
        painted: Tensor = self.leave(x)
        return painted
