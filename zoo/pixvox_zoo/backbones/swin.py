"""Swin transformer as MONAI builds it, in 2D and in 3D (arXiv:2103.14030, 2111.14791)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pixvox_registry import BACKBONES, Features, UserError
from pixvox_registry.errors import unknown

MASKING = ("none", "token")


@BACKBONES.register
class Swin(nn.Module):
    """Windows of attention on patches that merge between stages; any image size.

    The maps are the patches and the ends of the stages, each normalised.

    Args:
        width: multiplies the channels.
        patch: side of a patch, in pixels.
        channels: of the patches at width 1; doubled by every stage.
        depths: blocks of each stage; four stages at most.
        heads: of the first stage's attention at any width; doubled by every stage.
        window: side of a window, in patches.
        masking: ``token``: a learned one stands for masked patches (SimMIM); ``none``: no masks.

    Raises:
        UserError: another kind of masking, channels that heads do not divide, or more than four
            stages.
    """

    undecayed = ("relative_position_bias_table",)

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        width: float = 1.0,
        patch: int = 4,
        channels: int = 48,
        depths: Sequence[int] = (2, 2, 2, 2),
        heads: int = 3,
        window: int = 7,
        masking: str = "none",
    ) -> None:
        from monai.networks.nets.swin_unetr import SwinTransformer

        super().__init__()
        if masking not in MASKING:
            raise unknown("masking", masking, MASKING)
        first = round(channels * width)
        if first % heads or not 0 < len(depths) <= 4:
            raise UserError(
                f"backbone 'swin' has 1 to 4 stages, and {heads} heads share its channels; these "
                f"are {len(depths)} stages and {first} channels. Set depths, channels or heads."
            )
        self.patch = patch
        self.channels = [first * 2**stage for stage in range(len(depths) + 1)]
        self.strides = [self.patch * 2**stage for stage in range(len(depths) + 1)]
        self.num_features = self.channels[-1]
        self.swin = SwinTransformer(
            in_chans=in_channels,
            embed_dim=first,
            window_size=[window] * dims,
            patch_size=[self.patch] * dims,
            depths=list(depths),
            num_heads=[heads * 2**stage for stage in range(len(depths))],
            spatial_dims=dims,
        )
        self.masking = masking
        if masking == "token":
            self.token = nn.Parameter(torch.zeros(first))

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, *S], mask [B, *grid] on the CPU -> pooled [B, D], maps, tokens [B, N, D]``.

        Raises:
            UserError: a mask, and no token.
        """
        x = self.swin.patch_embed(images)  # [B, c, *grid]
        if mask is not None:
            if self.masking == "none":
                raise UserError("backbone 'swin' takes masks with the setting masking: token.")
            hidden = mask.to(x.device, non_blocking=True)[:, None]
            x = torch.where(hidden, self.token.view(-1, *[1] * (x.ndim - 2)), x)
        maps = [self.swin.proj_out(x, True)]
        swin = self.swin
        for stage in (*swin.layers1, *swin.layers2, *swin.layers3, *swin.layers4):
            x = stage(x.contiguous())
            maps.append(self.swin.proj_out(x, True))
        tokens = maps[-1].flatten(2).mT
        return Features(pooled=tokens.mean(1), maps=tuple(maps), tokens=tokens)
