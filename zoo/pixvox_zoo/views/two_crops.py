"""Two crops of every case, each with its own tone and sharpness (arXiv:2002.05709)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError, suggestion
from pixvox_registry.kinds import VIEWS
from pixvox_zoo import affine, tone
from pixvox_zoo.chance import perhaps, rows_of
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


@VIEWS.register
class TwoCrops:
    """Crop, mirror, turn, stretch and blur, then contrast, brightness, gamma and noise.

    Whether and how much is drawn per view on the host, where the few numbers are small and the
    sizes of parts are known without waiting for the device; pixels are only touched in batches.

    Args:
        dims: 2 or 3.
        image_size: side of the views, in pixels.
        flips: axes of ``*S`` along which this anatomy may be mirrored.
        scale: least and greatest share of the case (its area or volume) that a crop covers.
        aspect: greatest ratio of two sides of a crop.
        rotation: greatest angle in degrees, in each plane of two axes.
        anisotropy: greatest thickness of slices, in pixels, along one axis of a view.
        blur: greatest standard deviation of the blur, in pixels.
        contrast: greatest change of the factor about the mean of a view.
        brightness: greatest shift, in standard deviations of the images, as are colour and noise.
        gamma: greatest exponent; the least is its inverse.
        colour: greatest shift of one channel against the others; only of three channels.
        noise: greatest standard deviation of the noise.
        chances: how often each of these happens; whatever is not named keeps its default.
    """

    num_targets = 2
    provides = ("frame",)

    def __init__(
        self,
        *,
        dims: int,
        image_size: int,
        flips: Sequence[int] = (),
        scale: Sequence[float] = (0.2, 1.0),
        aspect: float = 4 / 3,
        rotation: float = 0.0,
        anisotropy: float = 1.0,
        blur: float = 1.0,
        contrast: float = 0.4,
        brightness: float = 0.4,
        gamma: float = 1.5,
        colour: float = 0.2,
        noise: float = 0.1,
        chances: Mapping[str, float] | None = None,
    ) -> None:
        self.dims = dims
        self.image_size = image_size
        self.flips = flips
        self.scale = scale
        self.aspect = aspect
        self.rotation = rotation
        self.anisotropy = anisotropy
        self.blur = blur
        self.contrast = contrast
        self.brightness = brightness
        self.gamma = gamma
        self.colour = colour
        self.noise = noise
        self.chances = {**CHANCES, **(chances or {})}
        self._check()

    @torch.no_grad()
    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> 2 views [B, C, *image_size]``, made together, one below the other."""
        frame, turned, sigma = self._geometry(replace(draws, device="cpu"), images.shape[2:])
        twice = images.repeat(self.num_targets, *[1] * (images.ndim - 1))  # [V B, C, *S]
        frame, sigma, rows, blurred = _sent(
            images.device, frame, sigma, rows_of(turned), rows_of(sigma)
        )
        x = crops(twice, frame, self.image_size, sigma, blurred)
        if len(rows):  # only they pay for a grid
            some = turned_crops(twice[rows], frame[rows], self.image_size, sigma[rows])
            x.index_copy_(0, rows, some)
        self._tone(x, replace(draws, device="cpu"))
        self._add_noise(x, draws)
        pairs = zip(x.chunk(self.num_targets), frame.chunk(self.num_targets), strict=True)
        return [View(image, frame=where) for image, where in pairs]

    def _geometry(self, host: Draws, shape: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """``[V B, dims, dims + 1], [V B], [V B, 1 or dims]``: frames, which turn, the blur."""
        low, high = self.scale
        area = low + (high - low) * self._uniform(host, "scale")
        stretch = math.log(self.aspect) * (self._uniform(host, "aspect", self.dims) - 0.5)
        side = affine.sides(area, stretch)
        centre = (1 - side) * (2 * self._uniform(host, "centre", self.dims) - 1)
        if self.flips:
            axes = list(self.flips)
            side[:, axes] *= self._perhaps(host, "flip", (-1, -1), 1, self.dims)[:, axes]
        limit, planes = math.radians(self.rotation), math.comb(self.dims, 2)
        angles = self._perhaps(host, "rotation", (-limit, limit), 0, planes)
        turn = affine.rotation(angles, self.dims) if self.rotation else torch.eye(self.dims)
        frame = affine.frames(side, centre, turn, shape)

        sigma = self._perhaps(host, "blur", (0, self.blur), 0, 1)  # [V B, 1]
        if self.anisotropy > 1:
            thickness = self._perhaps(host, "anisotropy", (1, self.anisotropy), 1, 1)
            thick = torch.eye(self.dims)[(self.dims * self._uniform(host, "thick_axis")).long()]
            profile = (thickness.square() - 1) / 12  # variance of a box, less that of one pixel
            sigma = (sigma.square() + thick * profile).sqrt()  # [V B, dims]
        return frame, angles.any(-1), sigma

    def _tone(self, x: Tensor, host: Draws) -> None:
        """Contrast, brightness, gamma and, where three channels are a colour, colour and grey."""
        contrast = self._perhaps(host, "contrast", (1 - self.contrast, 1 + self.contrast), 1, 1)
        shift = self._perhaps(host, "brightness", (-self.brightness, self.brightness), 0, 1)
        if x.shape[1] == 3:
            shift = shift + self._perhaps(host, "colour", (-self.colour, self.colour), 0, 3)
        tone.grade(x, *_sent(x.device, contrast, shift))
        limit = math.log(self.gamma)
        gamma = self._perhaps(host, "gamma", (-limit, limit), 0)  # its logarithm
        bent = rows_of(gamma)
        tone.bend(x, *_sent(x.device, bent, gamma[bent].exp()))
        if x.shape[1] == 3:
            tone.grey(x, *_sent(x.device, rows_of(self._perhaps(host, "grey", (1, 1), 0))))

    def _add_noise(self, x: Tensor, draws: Draws) -> None:
        """Normal noise, drawn for those rows of the global batch that have some, and no others."""
        everyone = replace(draws, device="cpu", rows=slice(None))
        std = self._perhaps(everyone, "noise", (0, self.noise), 0)  # [V global B]
        noisy = std > 0
        owners = replace(draws, batch=int(noisy.sum()), rows=slice(None))
        noise = owners.normal("two_crops/noise_field", *x.shape[1:])
        mine = torch.arange(len(std)).view(self.num_targets, -1)[:, draws.rows].flatten()
        rows = rows_of(noisy[mine])
        ours = (noisy.cumsum(0) - 1)[mine][rows]  # places among the owners
        rows, ours, amount = _sent(x.device, rows, ours, std[mine][rows])
        tone.add_noise(x, rows, noise[ours], amount)

    def _uniform(self, host: Draws, what: str, *shape: int) -> Tensor:
        """``[V B, *shape]`` in [0, 1), view after view."""
        u = host.uniform(f"two_crops/{what}", self.num_targets, *shape)  # [B, V, *shape]
        return u.transpose(0, 1).flatten(0, 1)

    def _perhaps(
        self, host: Draws, what: str, span: tuple[float, float], otherwise: float, *shape: int
    ) -> Tensor:
        """``[V B, *shape]`` within the span, or ``otherwise`` where chance does not strike."""
        if self.chances[what] == 0 or span == (otherwise, otherwise):
            rows = len(range(host.batch)[host.rows])
            return torch.full((self.num_targets * rows, *shape), float(otherwise))
        u = self._uniform(host, what, *shape)
        return perhaps(u, self.chances[what], *span, otherwise)

    def _check(self) -> None:
        """Refuse settings that no view can have, with what they should be."""
        for name, chance in self.chances.items():
            if name not in CHANCES:
                raise UserError(
                    f"Views 'two_crops' have no chance of {name!r}.{suggestion(name, CHANCES)} "
                    f"There are: {', '.join(CHANCES)}."
                )
            self._require(f"chances.{name}", chance, 0 <= chance <= 1, "from 0 to 1")
        low, high = self.scale
        self._require("scale", self.scale, 0 < low <= high <= 1, "two shares, 0 < least <= 1")
        self._require("contrast", self.contrast, 0 <= self.contrast < 1, "from 0 to below 1")
        for name in ("aspect", "anisotropy", "gamma"):
            self._require(name, getattr(self, name), getattr(self, name) >= 1, "1 or more")
        for name in ("rotation", "blur", "brightness", "colour", "noise"):
            self._require(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")

    def _require(self, name: str, value: object, holds: bool, wanted: str) -> None:
        if not holds:
            raise UserError(f"Views 'two_crops' want {name} {wanted}; it is {value}.")


def _sent(device: torch.device, *tensors: Tensor) -> list[Tensor]:
    """On the device, without waiting for it."""
    return [tensor.to(device, non_blocking=True) for tensor in tensors]
