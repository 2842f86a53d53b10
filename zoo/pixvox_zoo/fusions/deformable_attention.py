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
        self.window = nn.Parameter(uniform(inner, stride + self.OVERLAP, fan_in=stride))
        self.offset = nn.Parameter(uniform(groups, inner // groups, fan_in=inner // groups))
        self.key = nn.Parameter(uniform(groups, width // groups, inner // groups))
        self.value = nn.Parameter(uniform(groups, width // groups, inner // groups))
        per_head = nn.Linear(32, heads // groups, bias=False)  # softmax would not see its shift
        self.bias = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), per_head)
        self.leave = nn.Linear(inner, width)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, N, D] -> [B, N, D]``."""
        queries = self.query(x)  # [B, N, heads * head_width]
        places = self.places(queries)
        sampled = self.sample(x, places)
        shared = self.heads // self.groups
        seen = F.scaled_dot_product_attention(
            queries.unflatten(2, (self.heads, -1)).transpose(1, 2),
            _by_head(sampled @ self.key, shared),
            _by_head(sampled @ self.value, shared),
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
        windows = F.pad(queries, (0, 0, left, right)).unfold(1, self.window.shape[1], self.stride)
        seen = F.gelu((windows * self.window).sum(-1))  # [B, M, heads * head_width]
        offsets = (seen.unflatten(2, (self.groups, -1)) * self.offset).sum(-1).mT
        middle = torch.arange(keys, device=queries.device) * self.stride + (self.stride - 1) / 2
        moved = middle + self.reach * self.stride * offsets.float().tanh()
        places: Tensor = moved.clamp(0, count - 1)
        return places

    def sample(self, x: Tensor, places: Tensor) -> Tensor:
        """``[B, N, D], [B, groups, M] -> [B, groups, M, D / groups]``: features at the places."""
        slices = torch.arange(x.shape[1], device=x.device)
        weights = (1 - (places[..., None] - slices).abs()).clamp(min=0)  # [B, groups, M, N]
        grouped = x.unflatten(2, (self.groups, -1)).transpose(1, 2)  # [B, groups, N, D / groups]
        sampled: Tensor = weights.to(x.dtype) @ grouped
        return sampled

    def bias_of(self, places: Tensor, count: int) -> Tensor:
        """``[B, groups, M] -> [B, heads, N, M]``: what the distance to a place is worth."""
        queries = torch.arange(count, device=places.device)[:, None]
        apart = queries - places[:, :, None]  # [B, groups, N, M], in slices
        distance = apart.sign() * apart.abs().log1p()
        worth = self.bias(distance[..., None])  # [B, groups, N, M, heads / groups]
        by_head: Tensor = worth.permute(0, 1, 4, 2, 3).flatten(1, 2)
        return by_head


def uniform(*shape: int, fan_in: int | None = None) -> Tensor:
    """As a linear layer begins: within one over the root of what goes in."""
    limit = (fan_in or shape[-2]) ** -0.5
    return torch.empty(shape).uniform_(-limit, limit)


def _by_head(x: Tensor, shared: int) -> Tensor:
    """``[B, groups, M, shared * head_width] -> [B, heads, M, head_width]``."""
    by_head: Tensor = x.unflatten(3, (shared, -1)).transpose(2, 3).flatten(1, 2)
    return by_head
