"""Organs of known shape and texture, painted for many cases at once; ``dims`` is an argument.

The field of view is 1 wide and centred on 0. Everything but the noise is a function of position, so
the same draws show the same anatomy at every resolution. All arithmetic is float64: rounded to
uint8, the pictures are the same bytes on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

SHAPES = ("round", "elongated", "lobed", "hollow")
TEXTURES = ("smooth", "coarse", "striped", "speckled")
BANDS = ((0.5, 1.5), (2.5, 4.0), (5.0, 7.0), (8.0, 11.0))  # cycles per field of view
ORGAN, NEIGHBOUR = 1, 2  # labels of the masks
WAVES = 24  # plane waves in a field


@dataclass(frozen=True)
class Chance:
    """The random numbers of B cases, each from its own stream."""

    streams: tuple[torch.Generator, ...]
    dims: int

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """``[B, *shape]`` in [low, high)."""
        draws = [torch.rand(shape, generator=g, dtype=torch.float64) for g in self.streams]
        return low + (high - low) * torch.stack(draws)

    def normal(self, *shape: int) -> Tensor:
        """``[B, *shape]`` standard normal."""
        draws = [torch.randn(shape, generator=g, dtype=torch.float64) for g in self.streams]
        return torch.stack(draws)

    def choice(self, high: int) -> Tensor:
        """``[B]`` in 0 .. high - 1."""
        return self.uniform(0, high).long()

    def either_side(self, low: float, high: float) -> Tensor:
        """``[B]`` in [low, high), half of them negative."""
        return self.uniform(low, high) * (2 * self.choice(2) - 1)

    def directions(self, *shape: int) -> Tensor:
        """``[B, *shape, dims]`` of length 1."""
        return torch.nn.functional.normalize(self.normal(*shape, self.dims), dim=-1)

    def frame(self, size: int, *, off_centre: float) -> Tensor:
        """Positions seen from a random place in a random orientation: ``[B, *S, dims]``."""
        axis = (torch.arange(size, dtype=torch.float64) + 0.5) / size - 0.5
        grid = torch.stack(torch.meshgrid(*[axis] * self.dims, indexing="ij"), dim=-1)  # [*S, dims]
        centre = self.uniform(-off_centre, off_centre, self.dims)
        turn = torch.linalg.qr(self.normal(self.dims, self.dims)).Q
        return torch.einsum("...i,bij->b...j", grid, turn) - spread(
            torch.einsum("bi,bij->bj", centre, turn), self.dims, before=1
        )


@dataclass(frozen=True)
class Look:
    """What stands out: bounds of the organ's contrast and of its texture's amplitude, 1 = white."""

    contrast: tuple[float, float]
    grain: tuple[float, float]


def paint(
    shape: Tensor, texture: Tensor, look: Look, chance: Chance, size: int
) -> tuple[Tensor, Tensor]:
    """``[B], [B] -> uint8 images [B, 1, *S], uint8 masks [B, *S]``."""
    dims = chance.dims

    def each(numbers: Tensor) -> Tensor:
        return spread(numbers, dims)

    steepness = 2.5 * size  # an edge is about two pixels wide
    organ = torch.sigmoid(-steepness * organ_distance(shape, chance, size))
    neighbour = torch.sigmoid(-steepness * neighbour_distance(chance, size)) * (1 - organ)
    grain = each(chance.uniform(*look.grain)) * organ_texture(texture, chance, size)
    image = 0.5 + organ * (each(chance.either_side(*look.contrast)) + grain)
    image += neighbour * each(chance.either_side(0.10, 0.28))
    image += (1 - organ) * 0.025 * waves(chance, size, 0.5, 7.0)
    bias_field = (0.1 * waves(chance, size, 0.2, 0.9)).exp()
    image = image * bias_field * each(chance.uniform(0.7, 1.0)) + each(chance.uniform(0.0, 0.15))
    image += each(chance.uniform(0.02, 0.05)) * chance.normal(*[size] * dims)
    masks = torch.where(organ > 0.5, ORGAN, torch.where(neighbour > 0.5, NEIGHBOUR, 0))
    return (image * 255).round().clamp(0, 255).to(torch.uint8)[:, None], masks.to(torch.uint8)


def organ_distance(shape: Tensor, chance: Chance, size: int) -> Tensor:
    """``[B] -> [B, *S]``: how far outside the organ, below 0 inside, in fields of view.

    The four shapes have about the same volume at the same radius.
    """
    dims = chance.dims
    # a ball fills less of a cube than a disc of a square
    radius = spread(chance.uniform(0.22, 0.32), dims) * (1.0 if dims == 2 else 1.2)
    x = chance.frame(size, off_centre=0.10) / radius[..., None]  # [B, *S, dims]
    x = x * spread(chance.uniform(0.9, 1.1, dims), dims, before=1)
    off = x.norm(dim=-1)
    stretch = spread(chance.uniform(1.8, 2.4), dims)
    wall = spread(chance.uniform(0.4, 0.55), dims)
    reach = spread(chance.uniform(0.62, 0.75), dims)
    short, long = stretch ** (-1 / dims), stretch ** (1 - 1 / dims)
    axes = torch.stack([long, *[short] * (dims - 1)], dim=-1)  # [B, *1, dims]
    lobes = [
        (x - reach[..., None] * x.new_tensor([math.cos(a), math.sin(a), 0.0][:dims])).norm(dim=-1)
        for a in (0, 2 * math.pi / 3, 4 * math.pi / 3)
    ]
    distances = (
        off - 1,
        ((x / axes).norm(dim=-1) - 1) * short,
        torch.stack([*lobes, off + 0.3]).amin(dim=0) - 0.6,
        (off - 1.1 + wall / 2).abs() - wall / 2,
    )
    return radius * torch.stack(distances)[shape, torch.arange(len(shape))]


def neighbour_distance(chance: Chance, size: int) -> Tensor:
    """``-> [B, *S]``: as ``organ_distance``, of an ellipsoid that may lie anywhere."""
    axes = spread(chance.uniform(0.06, 0.2, chance.dims), chance.dims, before=1)
    x = chance.frame(size, off_centre=0.45)
    beyond: Tensor = (x / axes).norm(dim=-1) - 1
    return beyond * axes.amin(dim=-1)


def organ_texture(texture: Tensor, chance: Chance, size: int) -> Tensor:
    """``[B] -> [B, *S]`` with standard deviation 1."""
    low, high = torch.tensor(BANDS, dtype=torch.float64)[texture].T  # [B] each
    striped = (texture == TEXTURES.index("striped")).view(-1, 1, 1)
    one_way = chance.directions(1) + 0.1 * chance.normal(WAVES, chance.dims)
    directions = torch.where(striped, one_way, chance.directions(WAVES))
    return waves(chance, size, low[:, None], high[:, None], directions)


def waves(
    chance: Chance, size: int, low: Any, high: Any, directions: Tensor | None = None
) -> Tensor:
    """A sum of plane waves, ``[B, *S]`` with standard deviation 1.

    Args:
        low, high: bounds of their frequency, numbers or ``[B, 1]``.
        directions: ``[B, WAVES, dims]``; random by default.
    """
    directions = chance.directions(WAVES) if directions is None else directions
    frequency = low + (high - low) * chance.uniform(0, 1, WAVES)  # [B, WAVES]
    phase = chance.uniform(0, 2 * math.pi, WAVES)
    axis = (torch.arange(size, dtype=torch.float64) + 0.5) / size - 0.5
    turns = 2 * math.pi * (frequency[..., None] * directions)[..., None] * axis  # [B, W, dims, s]
    along = torch.polar(torch.ones_like(turns), turns)
    first = along[:, :, 0] * torch.polar(torch.ones_like(phase), phase)[..., None]
    rest = along[:, :, 1]
    for d in range(2, chance.dims):  # a plane wave is the product of one wave along each axis
        rest = torch.einsum("bwr,bws->bwrs", rest, along[:, :, d]).flatten(2)
    field: Tensor = torch.einsum("bws,bwr->bsr", first, rest).real
    return math.sqrt(2 / WAVES) * field.reshape(len(field), *[size] * chance.dims)


def spread(numbers: Tensor, dims: int, *, before: int = 0) -> Tensor:
    """``[B, *rest] -> [B, *1, *rest]`` with ``dims`` ones; ``before`` counts the rest."""
    return numbers.reshape(len(numbers), *[1] * dims, *numbers.shape[numbers.ndim - before :])
