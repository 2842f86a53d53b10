"""Batch normalisation over the batches of all ranks; torch's own refuses CPU tensors."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_zoo.ranks import gather, is_distributed


class SynchronisedNorm(nn.Module):
    """Stands in for a BatchNorm: the same parameters and statistics under the same keys.

    Ranks hold equally many cases, so the moments of all are means of the moments of each.

    Args:
        norm: the one to stand in for; its parameters and statistics are taken over.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: Any) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self.eps, self.momentum = norm.eps, norm.momentum
        for name, buffer in norm.named_buffers():
            self.register_buffer(name, buffer)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, *S] -> [B, C, *S]``."""
        if not (self.training and is_distributed()):
            if self.training:
                self.num_batches_tracked += 1
            normed: Tensor = F.batch_norm(
                x,
                self.running_mean,
                self.running_var,
                self.weight,
                self.bias,
                self.training,
                self.momentum,
                self.eps,
            )
            return normed
        axes = [axis for axis in range(x.ndim) if axis != 1]
        wide = x if x.dtype == torch.float64 else x.float()
        mine = torch.stack([wide.mean(axes), wide.var(axes, unbiased=False)])
        means, variances = gather(mine[None], 0).unbind(1)  # [ranks, C] each
        mean = means.mean(0)
        variance = (variances + (means - mean).square()).mean(0)
        self._remember(mean, variance, len(means) * x.numel() // x.shape[1])
        shape = [1, -1, *[1] * (x.ndim - 2)]
        scale: Tensor = (variance + self.eps).rsqrt()
        scale = scale if self.weight is None else scale * self.weight
        shifted: Tensor = (wide - mean.view(shape)) * scale.view(shape)
        return (shifted if self.bias is None else shifted + self.bias.view(shape)).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
        unbiased = variance * count / max(1, count - 1)
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)


def synchronise(part: nn.Module) -> None:
    """Replace every BatchNorm inside a part, in place."""
    for parent in list(part.modules()):
        for name, child in list(parent.named_children()):
            plain = type(child) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
            if plain and child.track_running_stats and child.momentum is not None:
                setattr(parent, name, SynchronisedNorm(child))
