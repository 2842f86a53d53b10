"""Nearest neighbours as positives (NNCLR, arXiv:2104.14548)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import LOSSES
from pixvox_zoo.own_rows import hide_own


@LOSSES.register
class NearestNeighbour(nn.Module):
    """Equation 3: one view's neighbour, in the queue, finds its case's other view in the batch.

    The queue is the support set. What it holds of the case itself is left out, since the nearest
    would be that.

    Args:
        temperature: tau.

    >>> import torch
    >>> z = torch.eye(4)[None].repeat(2, 1, 1)
    >>> NearestNeighbour()(z, z, [(0, 1)], z).shape
    torch.Size([])
    """

    def __init__(self, *, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(
        self,
        online: Tensor,
        target: Tensor,
        pairs: list[tuple[int, int]],
        queue: Tensor,
        index: Tensor | None = None,
        queue_index: Tensor | None = None,
    ) -> Tensor:
        """``[V, B, E], [G, B, E], queue [G, Q, E], index [B], queue_index [Q] -> []``."""
        found, support = F.normalize(online, dim=-1), F.normalize(queue, dim=-1).flatten(0, 1)
        likeness = F.normalize(target, dim=-1) @ support.T  # [G, B, G Q]
        nearest = hide_own(likeness, index, queue_index).argmax(-1)  # [G, B]
        neighbours = support[nearest] / self.temperature  # [G, B, E]
        place = torch.arange(online.shape[1], device=online.device)
        losses = [F.cross_entropy(neighbours[g] @ found[v].T, place) for g, v in pairs]
        return torch.stack(losses).mean()
