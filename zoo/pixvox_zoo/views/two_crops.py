"""Two random crops of every case, each with a tone and a sharpness of its own (arXiv:2002.05709)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError, suggestion
from pixvox_registry.kinds import VIEWS
from torch import Tensor

from pixvox_zoo import affine, tone
from pixvox_zoo.chance import perhaps
from pixvox_zoo.resampling import crops, turned_crops

CHANCES = {
    "flip": 0.5,  # of each axis
    "rotation": 0.5,
    "anisotropy": 0.2,
    "blur": 0.5,
    "contrast": 0.8,
    "brightness": 0.8,
    "gamma": 0.3,
    "colour": 0.8,
    "grey": 0.2,
    "noise": 0.5,
}


@VIEWS.register
class TwoCrops:
    """Crop, mirror, turn, stretch and blur, then contrast, brightness, gamma and noise.

    Whether and how much is drawn per view on the host, where the few numbers are small and the
    sizes of parts are known without waiting for the device; pixels are only touched in batches.

    Args:
        dims: 2 or 3.
        image_size: side of the views, in pixels.
        flips: may this anatomy be mirrored?
        scale: least and greatest share of the case (its area or volume) that a crop covers.
        aspect: greatest ratio of two sides of a crop.
        rotation: greatest angle in degrees, in each plane of two axes.
        anisotropy: greatest thickness of slices, in pixels, along one axis of a view.
        blur: greatest standard deviation of the blur, in pixels.
        contrast: greatest change of the factor about the mean of a view.
        brightness: greatest shift, in standard deviations of the images, as are the next two.
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
        flips: bool = False,
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

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> 2 views [B, C, *image_size]``."""
        host, device = replace(draws, device="cpu"), images.device
        frame, turned = self._frames(host, images.shape[2:])  # [V, B, dims, dims + 1], [V, B]
        sigma = self._sigma(host)  # [V, B, dims]
        views = []
        for v in range(2):
            where = frame[v].to(device, non_blocking=True)
            blur = sigma[v].to(device, non_blocking=True)
            image = crops(images, where, self.image_size, blur)
            rows = turned[v].nonzero().flatten().to(device, non_blocking=True)
            if len(rows):
                image[rows] = turned_crops(images[rows], where[rows], self.image_size, blur[rows])
            views.append(View(self._toned(image, draws, v), frame=where))
        return views

    def _frames(self, host: Draws, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Where the crops lie, ``[V, B, dims, dims + 1]``, and which are turned, ``[V, B]``."""
        low, high = self.scale
        area = low + (high - low) * self._uniform(host, "scale")
        stretch = math.log(self.aspect) * (self._uniform(host, "aspect", self.dims) - 0.5)
        side = affine.sides(area, stretch)
        centre = (1 - side) * (2 * self._uniform(host, "centre", self.dims) - 1)
        if self.flips:
            side = side * self._perhaps(host, "flip", -1, -1, 1, self.dims)
        limit = math.radians(self.rotation)
        planes = self.dims * (self.dims - 1) // 2
        angles = self._perhaps(host, "rotation", -limit, limit, 0, planes)
        frame = affine.frames(side, centre, affine.rotation(angles, self.dims), shape)
        return frame, angles.any(-1)

    def _sigma(self, host: Draws) -> Tensor:
        """Blur of each axis in pixels, ``[V, B, dims]``; slices of thickness t have t**2 / 12."""
        blur = self._perhaps(host, "blur", 0, self.blur, 0)
        thick = self._perhaps(host, "anisotropy", 1, self.anisotropy, 1)
        axis = (self.dims * self._uniform(host, "thick_axis")).long()
        profile = (thick.square() - 1) / 12
        variance = blur.square().unsqueeze(-1) + profile.unsqueeze(-1) * torch.eye(self.dims)[axis]
        return variance.sqrt()

    def _toned(self, image: Tensor, draws: Draws, v: int) -> Tensor:
        """``[B, C, *S] -> [B, C, *S]``: contrast, brightness, gamma, noise."""
        host, device = replace(draws, device="cpu"), image.device
        contrast = self._perhaps(host, "contrast", 1 - self.contrast, 1 + self.contrast, 1)[v]
        brightness = self._perhaps(host, "brightness", -self.brightness, self.brightness, 0)[v]
        gamma = self._perhaps(host, "gamma", -math.log(self.gamma), math.log(self.gamma), 0)[v].exp()
        image = tone.graded(image, contrast[:, None], brightness[:, None], gamma[:, None])
        std = self._perhaps(host, "noise", 0, self.noise, 0)[v]
        noise = draws.normal(f"two_crops/noise/{v}", *image.shape[1:])
        return tone.noisy(image, noise, std)

    def _uniform(self, host, what, *shape):
        return host.uniform(f"two_crops/{what}", 2, *shape).transpose(0, 1)

    def _perhaps(self, host, what, low, high, otherwise, *shape):
        return perhaps(self._uniform(host, what, *shape), self.chances[what], low, high, otherwise)

    def _check(self): ...
