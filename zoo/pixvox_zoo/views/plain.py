"""The images as they are, brought to size: for labels, and for methods that need no chance."""

from __future__ import annotations

import torch
from torch import Tensor

from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.kinds import VIEWS
from pixvox_zoo.resampling import crops


@VIEWS.register
class Plain:
    """One view, which is the whole case.

    Args:
        dims: 2 or 3.
        image_size: side of the view, in pixels.
    """

    num_targets = 1
    provides = ("frame",)

    def __init__(self, *, dims: int, image_size: int) -> None:
        self.dims = dims
        self.image_size = image_size

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> [B, C, *image_size]``; nothing is drawn."""
        whole = torch.eye(self.dims, self.dims + 1, device=images.device)
        frame = whole.expand(len(images), -1, -1)
        if set(images.shape[2:]) != {self.image_size}:
            images = crops(images, frame, self.image_size)
        return [View(images, frame=frame)]
