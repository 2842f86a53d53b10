"""Vision transformer of patches, in 2D and in 3D (arXiv:2010.11929)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_registry import BACKBONES, Features, UserError
from pixvox_registry.errors import unknown
from pixvox_zoo.positions import fitted, waves
from pixvox_zoo.transformer import blocks

MASKING = ("drop", "token")
PATCHES = ((32, 4), (64, 8))  # images up to this side, patches of that; else 16


@BACKBONES.register
class ViT(nn.Module):
    """Pre-norm blocks on patches; pooled is the mean of the last tokens.

    Positions are learned, begin as waves, and are interpolated for images of another size.

    Args:
        width: multiplies the channels.
        patch: side of a patch in pixels; by default 4 up to 32 px, 8 up to 64 px, else 16.
        channels: D at width 1, up to rounding to whole heads.
        depth: number of blocks.
        head_width: channels of one attention head.
        masking: masked patches are left out (``drop``: MAE), or a learned token stands for them
            (``token``: SimMIM).

    Raises:
        UserError: an image that patches do not fill, or another kind of masking.
    """

    undecayed = ("positions",)

    def __init__(
        self,
        *,
        dims: int,
        in_channels: int,
        image_size: int,
        width: float = 1.0,
        patch: int | None = None,
        channels: int = 192,
        depth: int = 6,
        head_width: int = 32,
        masking: str = "drop",
    ) -> None:
        super().__init__()
        if masking not in MASKING:
            raise unknown("masking", masking, MASKING)
        self.patch = patch or next((side for most, side in PATCHES if image_size <= most), 16)
        if image_size % self.patch:
            raise UserError(
                f"backbone 'vit' cuts {image_size} px into patches of {self.patch} px, which do "
                "not fill it. Set a patch that divides the image's side."
            )
        heads = max(1, round(channels * width / head_width))
        self.num_features = heads * head_width
        self.masking = masking
        self.channels, self.strides = [self.num_features], [self.patch]
        self.grid = (image_size // self.patch,) * dims
        convolution = nn.Conv2d if dims == 2 else nn.Conv3d
        self.embed = convolution(in_channels, self.num_features, self.patch, self.patch)
        self.positions = nn.Parameter(waves(self.grid, self.num_features))
        if masking == "token":
            self.token = nn.Parameter(torch.zeros(self.num_features))
        self.blocks = blocks(self.num_features, heads, depth)
        self.norm = nn.LayerNorm(self.num_features)

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, *S], mask [B, *grid] on the CPU -> pooled [B, D], tokens [B, N, D], maps``.

        With ``drop`` and a mask, N counts the visible patches, and there are no maps.
        """
        cells = self.embed(images)  # [B, D, *grid]
        grid = cells.shape[2:]
        x = cells.flatten(2).mT + fitted(self.positions, self.grid, grid)
        dropped = mask is not None and self.masking == "drop"
        if mask is not None and dropped:
            place = visible(mask).to(x.device, non_blocking=True)  # [B, n]
            x = x.gather(1, place[..., None].expand(-1, -1, x.shape[2]))
        elif mask is not None:
            hidden = mask.flatten(1).to(x.device, non_blocking=True)[..., None]
            x = torch.where(hidden, self.token + fitted(self.positions, self.grid, grid), x)
        tokens = self.norm(self.blocks(x))
        maps = () if dropped else (tokens.mT.unflatten(2, grid),)
        return Features(pooled=tokens.mean(1), tokens=tokens, maps=maps)


def visible(mask: Tensor) -> Tensor:
    """Places of the patches that are not masked, in order: ``[B, *grid] -> [B, n]``.

    Raises:
        UserError: rows that hide different numbers of patches.
    """
    hidden = mask.flatten(1)
    counts = (~hidden).sum(1)
    if len(counts.unique()) > 1:
        raise UserError(
            "backbone 'vit' leaves out what is masked, as much of every case; these masks hide "
            "more of some. Set blocks that fill the image, or masking: token."
        )
    return hidden.long().argsort(dim=1, stable=True)[:, : int(counts[0])]
