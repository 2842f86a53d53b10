"""Three strided convolutions and a short vector (arXiv:2209.12005)."""

from __future__ import annotations

from torch import Tensor, nn

from pixvox_registry import BACKBONES
from pixvox_registry.contracts import Features
from pixvox_registry.errors import UserError


@BACKBONES.register
class ConvEncoder(nn.Module):
    """Convolution (kernel 4, stride 2), GELU and BatchNorm at each stage; then mean and linear.

    The pooled features are the latent vector h, so they are few: clusters and samples of h need
    that.

    Args:
        width: multiplies the channels of the stages.
        channels: of the first stage at width 1; doubled at every stage.
        stages: how often the side is halved.
        features: length L of h, at any width.

    Raises:
        UserError: an image that so many stages leave nothing of.
    """

    patch = None

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        image_size: int,
        width: float = 1.0,
        channels: int = 32,
        stages: int = 3,
        features: int = 50,
    ) -> None:
        super().__init__()
        if image_size < 2**stages:
            raise UserError(
                f"backbone 'conv_encoder' halves the side {stages} times; {image_size} px have "
                f"none left. Take images of {2**stages} px, or fewer stages."
            )
        convolution = nn.Conv2d if dims == 2 else nn.Conv3d
        norm = nn.BatchNorm2d if dims == 2 else nn.BatchNorm3d
        self.channels = [max(1, round(channels * width)) * 2**stage for stage in range(stages)]
        self.strides = [2 ** (stage + 1) for stage in range(stages)]
        self.num_features = features
        steps: list[nn.Module] = []
        for before, after in zip([in_channels, *self.channels], self.channels, strict=False):
            steps.append(nn.Sequential(convolution(before, after, 4, 2, 1), nn.GELU(), norm(after)))
        self.steps = nn.ModuleList(steps)
        self.leave = nn.Linear(self.channels[-1], features)

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, *S] -> pooled [B, L], maps``.

        Raises:
            UserError: a mask.
        """
        if mask is not None:
            raise UserError("backbone 'conv_encoder' cannot leave masked patches out; take vit.")
        maps = []
        x = images
        for step in self.steps:
            x = step(x)
            maps.append(x)
        return Features(pooled=self.leave(x.flatten(2).mean(2)), maps=tuple(maps))
