"""Two crops of every case, each with its own tone and sharpness (arXiv:2002.05709)."""

from __future__ import annotations

from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.kinds import VIEWS
from pixvox_zoo.crops import Crops


@VIEWS.register
class TwoCrops(Crops):
    """Crop, mirror, turn, stretch and blur, then contrast, brightness, gamma and noise.

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

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> 2 views [B, C, *image_size]``."""
        return self.cut(images, draws.under("two_crops"), self.num_targets)
