"""The plain convolutional encoder of nnU-Net, of MONAI's blocks (arXiv:1904.08128)."""

from __future__ import annotations

from torch import Tensor, nn

from pixvox_registry import BACKBONES, Features, UserError
from pixvox_zoo.convolution import ease


@BACKBONES.register
class UNet(nn.Module):
    """Stages of two convolutions with instance norm and leaky ReLU; each but the first halves.

    The maps are the ends of all stages, which is what a U-Net's decoder wants.

    Args:
        width: multiplies the channels.
        channels: of the first stage at width 1; doubled at every stage up to ``most``.
        stages: how many; by default until the coarsest map is 4 wide or less, 6 at most.
        most: greatest number of channels at width 1.

    Raises:
        UserError: more stages than the image can be halved.
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
        stages: int | None = None,
        most: int = 320,
    ) -> None:
        from monai.networks.blocks.dynunet_block import UnetBasicBlock

        super().__init__()
        halvings = max(0, (image_size - 1).bit_length() - 2)  # until 4 or less are left
        stages = stages or min(6, 1 + halvings)
        if image_size < 2 ** (stages - 1):
            raise UserError(
                f"backbone 'unet' halves {image_size} px {stages - 1} times, and nothing is left. "
                "Set fewer stages."
            )
        self.channels = [round(min(channels * 2**stage, most) * width) for stage in range(stages)]
        self.strides = [2**stage for stage in range(stages)]
        self.num_features = self.channels[-1]
        entering = [in_channels, *self.channels[:-1]]
        norm = ("instance", {"affine": True})
        self.stages = nn.ModuleList(
            UnetBasicBlock(dims, before, after, 3, 1 if stage == 0 else 2, norm)
            for stage, (before, after) in enumerate(zip(entering, self.channels, strict=True))
        )
        ease(self.stages)

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, *S] -> pooled [B, D], maps, tokens [B, N, D] of the last map``.

        Raises:
            UserError: a mask; convolutions see whole images.
        """
        if mask is not None:
            raise UserError(
                "backbone 'unet' cannot leave out what a mask hides. Use views without masks, or a "
                "backbone of patches."
            )
        x, maps = images, []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        tokens = x.flatten(2).mT  # [B, D, *S] -> [B, N, D]
        return Features(pooled=tokens.mean(1), maps=tuple(maps), tokens=tokens)
