"""Intensity: one scale for pretraining and for everything downstream."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pixvox_registry.cases import Cases
from pixvox_registry.scans import Scans


@dataclass(frozen=True)
class Intensity:
    """Mean and standard deviation of each channel over the pretraining cases, in stored units.

    Args:
        value_range: black and white in these units, as the cases have it.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    value_range: tuple[float, float]

    @classmethod
    def of(cls, cases: Cases) -> Intensity:
        """Measured over images of any type, in float64; a constant channel gets std 1."""
        images, count = cases.images, 0
        total = torch.zeros(images.shape[1], dtype=torch.float64)
        square = torch.zeros_like(total)
        for piece in images.split(256):
            x = piece.transpose(0, 1).flatten(1).double()  # [C, n]
            count += x.shape[1]
            total += x.sum(1)
            square += x.square().sum(1)
        mean = total / count
        std = (square / count - mean.square()).clamp(min=0).sqrt()
        std = torch.where(std > 0, std, torch.ones_like(std))
        return cls(tuple(mean.tolist()), tuple(std.tolist()), cases.value_range)

    def in_units_of(self, cases: Cases | Scans) -> Intensity:
        """The same scale for cases stored in other units: their black and white become its own."""
        (black, white), (low, high) = self.value_range, cases.value_range
        if (black, white) == (low, high):
            return self
        factor = (high - low) / (white - black)
        return replace(
            self,
            mean=tuple(low + (mean - black) * factor for mean in self.mean),
            std=tuple(std * factor for std in self.std),
            value_range=cases.value_range,
        )

    def standardise(self, images: Tensor) -> Tensor:
        """``[B, C, *S]`` of any type to float32 with mean 0 and standard deviation 1."""
        mean, std = self._columns(images)
        return (images.float() - mean) / std

    def stored(self, images: Tensor) -> Tensor:
        """The inverse: standardised ``[B, C, *S]`` back in stored units, float32."""
        mean, std = self._columns(images)
        return images.float() * std + mean

    def _columns(self, images: Tensor) -> tuple[Tensor, ...]:
        shape = (1, -1, *[1] * (images.ndim - 2))
        return tuple(  # sent without waiting: a training step standardises too
            torch.tensor(of_channels).view(shape).to(images.device, non_blocking=True)
            for of_channels in (self.mean, self.std)
        )
