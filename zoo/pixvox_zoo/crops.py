"""Crops of every case, each with its own tone and sharpness: what views by cropping share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_zoo import affine, tone
from pixvox_zoo.chance import Chance, chances_of, rows_of, sent
from pixvox_zoo.resampling import crops, turned_crops

# At 32 pixels SimCLR itself leaves blur out, so here it is rare; so are gamma and noise.
CHANCES = {
    "flip": 0.5,  # of each axis
    "rotation": 0.5,
    "anisotropy": 0.2,
    "blur": 0.2,
    "contrast": 0.8,
    "brightness": 0.8,
    "gamma": 0.2,
    "colour": 0.8,
    "grey": 0.2,
    "noise": 0.2,
}


@dataclass(kw_only=True)
class Crops:
    """The settings of crops and the pixels they become; ``two_crops`` says what each one is.

    Whether and how much is drawn per view on the host, where the few numbers are small and the
    sizes of parts are known without waiting for the device; pixels are only touched in batches.
    """

    dims: int
    image_size: int
    flips: Sequence[int] = ()
    scale: Sequence[float] = (0.2, 1.0)
    aspect: float = 4 / 3
    rotation: float = 0.0
    anisotropy: float = 1.0
    blur: float = 1.0
    contrast: float = 0.4
    brightness: float = 0.4
    gamma: float = 1.5
    colour: float = 0.2
    noise: float = 0.1
    chances: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        self._check()

    @torch.no_grad()
    def cut(self, images: Tensor, draws: Draws, count: int) -> list[View]:
        """``[B, C, *S] -> count views [B, C, *image_size]``, made together, one below the other."""
        chance = Chance(
            replace(draws, device="cpu"), count, chances_of(self.chances, CHANCES, "Crops")
        )
        frame, turned, sigma = self._geometry(chance, images.shape[2:])
        many = images.repeat(count, *[1] * (images.ndim - 1))  # [V B, C, *S]
        frame, sigma, rows, blurred = sent(
            images.device, frame, sigma, rows_of(turned), rows_of(sigma)
        )
        x = crops(many, frame, self.image_size, sigma, blurred)
        if len(rows):  # only they pay for a grid
            some = turned_crops(many[rows], frame[rows], self.image_size, sigma[rows])
            x.index_copy_(0, rows, some)
        self._tone(x, chance)
        self._add_noise(x, draws, chance)
        pairs = zip(x.chunk(count), frame.chunk(count), strict=True)
        return [View(image, frame=where) for image, where in pairs]

    def _geometry(self, chance: Chance, shape: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """``[V B, dims, dims + 1], [V B], [V B, 1 or dims]``: frames, which turn, the blur."""
        low, high = self.scale
        area = low + (high - low) * chance.uniform("scale")
        stretch = math.log(self.aspect) * (chance.uniform("aspect", self.dims) - 0.5)
        side = affine.sides(area, stretch)
        centre = (1 - side) * (2 * chance.uniform("centre", self.dims) - 1)
        if self.flips:
            axes = list(self.flips)
            side[:, axes] *= chance.perhaps("flip", (-1, -1), 1, self.dims)[:, axes]
        limit, planes = math.radians(self.rotation), math.comb(self.dims, 2)
        angles = chance.perhaps("rotation", (-limit, limit), 0, planes)
        turn = affine.rotation(angles, self.dims) if self.rotation else torch.eye(self.dims)
        frame = affine.frames(side, centre, turn, shape)

        sigma = chance.perhaps("blur", (0, self.blur), 0, 1)  # [V B, 1]
        if self.anisotropy > 1:
            thickness = chance.perhaps("anisotropy", (1, self.anisotropy), 1, 1)
            thick = torch.eye(self.dims)[(self.dims * chance.uniform("thick_axis")).long()]
            profile = (thickness.square() - 1) / 12  # variance of a box, less that of one pixel
            sigma = (sigma.square() + thick * profile).sqrt()  # [V B, dims]
        return frame, angles.any(-1), sigma

    def _tone(self, x: Tensor, chance: Chance) -> None:
        """Contrast, brightness, gamma and, where three channels are a colour, colour and grey."""
        contrast = chance.perhaps("contrast", (1 - self.contrast, 1 + self.contrast), 1, 1)
        shift = chance.perhaps("brightness", (-self.brightness, self.brightness), 0, 1)
        if x.shape[1] == 3:
            shift = shift + chance.perhaps("colour", (-self.colour, self.colour), 0, 3)
        tone.grade(x, *sent(x.device, contrast, shift))
        limit = math.log(self.gamma)
        gamma = chance.perhaps("gamma", (-limit, limit), 0)  # its logarithm
        bent = rows_of(gamma)
        tone.bend(x, *sent(x.device, bent, gamma[bent].exp()))
        if x.shape[1] == 3:
            tone.grey(x, *sent(x.device, rows_of(chance.perhaps("grey", (1, 1), 0))))

    def _add_noise(self, x: Tensor, draws: Draws, chance: Chance) -> None:
        """Normal noise, drawn for those rows of the global batch that have some, and no others."""
        of_all = replace(chance, draws=replace(chance.draws, rows=slice(None)))
        std = of_all.perhaps("noise", (0, self.noise), 0)  # [V global B]
        noisy = std > 0
        owners = replace(draws, batch=int(noisy.sum()), rows=slice(None))
        noise = owners.normal("noise_field", *x.shape[1:])
        mine = torch.arange(len(std)).view(chance.views, -1)[:, draws.rows].flatten()
        rows = rows_of(noisy[mine])
        ours = (noisy.cumsum(0) - 1)[mine][rows]  # places among the owners
        rows, ours, amount = sent(x.device, rows, ours, std[mine][rows])
        tone.add_noise(x, rows, noise[ours], amount)

    def _check(self) -> None:
        """Refuse settings that no view can have, with what they should be."""
        chances_of(self.chances, CHANCES, "Crops")
        low, high = self.scale
        self._require("scale", self.scale, 0 < low <= high <= 1, "two shares, 0 < least <= 1")
        self._require("contrast", self.contrast, 0 <= self.contrast < 1, "from 0 to below 1")
        for name in ("aspect", "anisotropy", "gamma"):
            self._require(name, getattr(self, name), getattr(self, name) >= 1, "1 or more")
        for name in ("rotation", "blur", "brightness", "colour", "noise"):
            self._require(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")

    def _require(self, name: str, value: object, holds: bool, wanted: str) -> None:
        if not holds:
            raise UserError(f"Crops want {name} {wanted}; it is {value}.")
