"""ResNet-18, -34 and -50 in 2D and 3D, as MONAI builds them (arXiv:1512.03385)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_registry import BACKBONES, Features, UserError
from pixvox_registry.errors import unknown
from pixvox_zoo.convolution import Convolution

BLOCKS = {  # depth: (kind of block, its expansion, blocks of each stage)
    18: ("basic", 1, (2, 2, 2, 2)),
    34: ("basic", 1, (3, 4, 6, 3)),
    50: ("bottleneck", 4, (3, 4, 6, 3)),
}
STEMS = {  # stem: (kernel, stride, is max-pooling left out?)
    "imagenet": (7, 2, False),
    "small": (3, 1, True),
}


@BACKBONES.register
class ResNet(nn.Module):
    """A ResNet whose maps are the ends of its four stages; with the ImageNet stem also the stem.

    Args:
        width: multiplies the channels of every layer.
        stem: ``imagenet`` (7-wide stride 2, then max-pooling), or ``small`` (3-wide stride 1, no
            pooling) for images up to 64 px.
        depth: 18, 34 or 50.

    Raises:
        UserError: a depth or stem that does not exist, or a width that leaves no channel.
    """

    patch = None

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        width: float = 1.0,
        stem: str = "imagenet",
        depth: int = 18,
    ) -> None:
        from monai.networks import nets  # three seconds, since all of MONAI comes along

        super().__init__()
        if depth not in BLOCKS:
            raise UserError(f"backbone 'resnet' has depths {[*BLOCKS]}; {depth!r} was asked for.")
        if stem not in STEMS:
            raise unknown("stem", stem, STEMS)
        planes = [int(channels * width) for channels in (64, 128, 256, 512)]
        if planes[0] < 1:
            raise UserError(f"width {width} leaves backbone 'resnet' no channel; 1/64 leaves one.")
        kind, expansion, blocks = BLOCKS[depth]
        kernel, stride, unpooled = STEMS[stem]
        self.resnet = nets.ResNet(
            kind,
            list(blocks),
            planes,
            spatial_dims=dims,
            n_input_channels=in_channels,
            conv1_t_size=kernel,
            conv1_t_stride=stride,
            no_max_pool=unpooled,
            shortcut_type="B",  # A would cut the gradient: it reads `out.data`
            bias_downsample=False,
            feed_forward=False,
        )
        _mend_convolutions(self.resnet)
        channels = [expansion * plane for plane in planes]
        self.channels = channels if unpooled else [planes[0], *channels]
        self.strides = [1, 2, 4, 8] if unpooled else [2, 4, 8, 16, 32]
        self.num_features = channels[-1]

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, *S] -> pooled [B, D], maps, tokens [B, N, D] of the last map``.

        Raises:
            UserError: a mask; a ResNet sees whole images.
        """
        if mask is not None:
            raise UserError(
                "backbone 'resnet' cannot leave out what a mask hides. Use views without masks, or "
                "a backbone of patches."
            )
        x = self.resnet.conv1(images)
        if images.ndim == 4:  # pooling and norms, being memory-bound, run faster so
            x = x.contiguous(memory_format=torch.channels_last)
        x = self.resnet.act(self.resnet.bn1(x))
        maps = [] if self.resnet.no_max_pool else [x]
        if not self.resnet.no_max_pool:
            x = self.resnet.maxpool(x)
        for stage in (
            self.resnet.layer1,
            self.resnet.layer2,
            self.resnet.layer3,
            self.resnet.layer4,
        ):
            x = stage(x)
            maps.append(x)
        tokens = x.flatten(2).mT  # [B, D, *S] -> [B, N, D]
        return Features(pooled=tokens.mean(1), maps=tuple(maps), tokens=tokens)


def _mend_convolutions(resnet: nn.Module) -> None:
    """Let the padded convolutions be matrix products where one position is left."""
    for parent in list(resnet.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d | nn.Conv3d) and child.kernel_size[0] == 3:
                setattr(parent, name, Convolution(child))
