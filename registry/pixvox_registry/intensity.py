"""Intensity: one scale for pretraining and for everything downstream."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pixvox_registry.cases import Cases
from pixvox_registry.scans import Scans
from pixvox_registry.stored import RESIDENT_BYTES, VALUES_AT_ONCE, bytes_of, pieces

SUMMED_AT_ONCE = 1 << 26  # values; where a sum is cut decides its last bits


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
    def of(cls, cases: Cases, *, resident_bytes: int = RESIDENT_BYTES) -> Intensity:
        """Measured over images of any type, in float64; a constant channel gets std 1.

        Of a set that is larger than ``resident_bytes`` fewer are summed at once.
        """
        fits = bytes_of(cases.images) <= resident_bytes
        total = torch.zeros(cases.in_channels, dtype=torch.float64)
        square, count = torch.zeros_like(total), 0
        for piece in pieces(cases.images, SUMMED_AT_ONCE if fits else VALUES_AT_ONCE):
            x = piece.transpose(0, 1).flatten(1).to(torch.float64, copy=True)  # [C, n]
            count += x.shape[1]
            total += x.sum(1)
            square += x.square_().sum(1)  # in place: it is the largest thing in memory
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
