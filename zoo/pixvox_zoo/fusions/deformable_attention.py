"""Deformable self-attention over slices (arXiv:2201.00520, in one dimension, as arXiv:2212.01893).

A few keys on a coarse grid, each moved to where its neighbourhood asks for, serve all queries.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import FUSIONS, UserError
from pixvox_zoo.post_norm import stacked


@FUSIONS.register
class DeformableAttention(nn.Module):
    """Every slice looks at a few places along the stack, which move with what the stack shows.

    Args:
        num_features: D of a slice.
        layers: in a row.
        heads: of each layer.
        head_width: of a query, key or value.
        groups: sets of heads and of features with places of their own; they divide both.
        stride: slices for each key.
        reach: how far a key may move either way, in strides.
        hidden: width of the network in a layer.
        dropout: of what a layer gives.

    Raises:
        UserError: groups that do not divide heads and features.
    """

    def __init__(
        self,
        *,
        num_features: int,
        layers: int = 4,
        heads: int = 8,
        head_width: int = 64,
        groups: int = 8,
        stride: int = 4,
        reach: float = 2.0,
        hidden: int = 720,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if num_features % groups or heads % groups:
            raise UserError(
                f"fusion 'deformable_attention' shares {num_features} features and {heads} heads "
                f"among {groups} groups, and that does not come out even. Set groups or heads."
            )
        self.layers = stacked(
            layers,
            lambda: OverPlaces(num_features, heads, head_width, groups, stride, reach),
            num_features,
            hidden,
            dropout,
        )

    def forward(self, slices: Tensor) -> Tensor:
        """``[B, N, D] -> [B, N, D]``."""
        fused: Tensor = self.layers(slices)
        return fused


class OverPlaces(nn.Module):
    """One attention whose keys are sampled at places that follow from the queries.

    A place is the middle of ``stride`` slices, moved by ``reach * stride * tanh(offset)``. Between
    two slices lies their linear mixture; places stay on the stack, the last slice included.
    """

    OVERLAP = 2  # slices that a window of offsets sees beyond its stride

    def __init__(
        self, width: int, heads: int, head_width: int, groups: int, stride: int, reach: float
    ) -> None:
        super().__init__()
        inner = heads * head_width
        self.heads, self.groups = heads, groups
        self.stride, self.reach = stride, reach
        self.query = nn.Linear(width, inner, bias=False)
        self.window = nn.Conv1d(inner, inner, stride + self.OVERLAP, stride, groups=inner)
        self.offset = nn.Conv1d(inner, groups, 1, groups=groups, bias=False)
        self.key = nn.Conv1d(width, inner, 1, groups=groups, bias=False)
        self.value = nn.Conv1d(width, inner, 1, groups=groups, bias=False)
        self.bias = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, heads // groups))
        self.leave = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, N, D] -> [B, N, D]``."""
        queries = self.query(x)  # [B, N, heads * head_width]
        places = self.places(queries)
        sampled = self.sample(x, places)
        seen = F.scaled_dot_product_attention(
            self._by_head(queries.mT),
            self._by_head(self.key(sampled)),
            self._by_head(self.value(sampled)),
            attn_mask=self.bias_of(places, x.shape[1]),
        )
        told: Tensor = self.leave(seen.transpose(1, 2).flatten(2))
        return told

    def places(self, queries: Tensor) -> Tensor:
        """``[B, N, heads * head_width] -> [B, groups, M]``: in slices, from 0 to ``N - 1``."""
        count = queries.shape[1]
        keys = -(-count // self.stride)
        left = self.OVERLAP // 2
        right = keys * self.stride + self.OVERLAP - left - count
        padded = F.pad(queries.mT, (left, right))
        offsets = self.offset(F.gelu(self.window(padded)))  # [B, groups, M]
        middle = torch.arange(keys, device=queries.device) * self.stride + (self.stride - 1) / 2
        moved = middle + self.reach * self.stride * offsets.float().tanh()
        places: Tensor = moved.clamp(0, count - 1)
        return places

    def sample(self, x: Tensor, places: Tensor) -> Tensor:
        """``[B, N, D], [B, groups, M] -> [B, D, M]``: each group's features at its places."""
        slices = torch.arange(x.shape[1], device=x.device)
        weights = (1 - (places[..., None] - slices).abs()).clamp(min=0)  # [B, groups, M, N]
        grouped = x.unflatten(2, (self.groups, -1)).transpose(1, 2)  # [B, groups, N, D / groups]
        sampled: Tensor = (weights.to(x.dtype) @ grouped).mT.flatten(1, 2)
        return sampled

    def bias_of(self, places: Tensor, count: int) -> Tensor:
        """``[B, groups, M] -> [B, heads, N, M]``: what the distance to a place is worth."""
        queries = torch.arange(count, device=places.device)[:, None]
        apart = queries - places[:, :, None]  # [B, groups, N, M], in slices
        distance = apart.sign() * apart.abs().log1p()
        worth = self.bias(distance[..., None])  # [B, groups, N, M, heads / groups]
        by_head: Tensor = worth.permute(0, 1, 4, 2, 3).flatten(1, 2)
        return by_head

    def _by_head(self, x: Tensor) -> Tensor:
        """``[B, heads * head_width, N] -> [B, heads, N, head_width]``."""
        by_head: Tensor = x.unflatten(1, (self.heads, -1)).mT
        return by_head
