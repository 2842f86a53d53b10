"""Transformer blocks on tokens; they do not know how many dimensions the tokens came from."""

from __future__ import annotations

from torch import nn

from pixvox_zoo.torchvision_mend import mend


def blocks(width: int, heads: int, depth: int) -> nn.Sequential:
    """timm's pre-norm blocks, whose attention is torch's fused one: ``[B, N, D] -> [B, N, D]``."""
    mend()
    from timm.models.vision_transformer import Block

    return nn.Sequential(*[Block(width, heads, qkv_bias=True) for _ in range(depth)])
