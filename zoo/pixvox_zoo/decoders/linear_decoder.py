"""One linear layer from the coarsest map to pixels (SimMIM, arXiv:2111.09886)."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from pixvox_registry import DECODERS, Features
from pixvox_zoo.patches import joined


@DECODERS.register
class LinearDecoder(nn.Module):
    """Each place of the map paints the square or cube of pixels below it; nothing is shared.

    Args:
        stride: pixels of the image per place of the backbone's last map.
    """

    def __init__(
        self, *, dims: int, in_channels: int, image_size: int, num_features: int, stride: int
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.stride = stride
        self.layer = nn.Linear(num_features, in_channels * stride**dims)

    def forward(self, features: Features) -> Tensor:
        """``maps[-1] [R, D, *grid] -> [R, C, *S]``."""
        last: Any = features.maps[-1]
        painted = self.layer(last.flatten(2).mT)  # [R, N, C * stride^dims]
        x = joined(painted, last.shape[2:], self.stride)
        beyond = x.shape[-1] - self.image_size  # a last place may reach beyond the image
        return functional.pad(x, [0, -beyond] * (x.ndim - 2))
