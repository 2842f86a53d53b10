"""Nearest neighbours as positives (NNCLR, arXiv:2104.14548)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import LOSSES


@LOSSES.register
class NearestNeighbour(nn.Module):
    """Equation 4: a view finds the nearest neighbour, in the queue, of its case's other view.

    Other neighbours of the batch are the negatives. The queue is the support set; ties do not
    occur but for equal embeddings.

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
        self, online: Tensor, target: Tensor, pairs: list[tuple[int, int]], queue: Tensor
    ) -> Tensor:
        """``[V, B, E], [G, B, E], queue [G, Q, E] -> []``."""
        found, support = F.normalize(online, dim=-1), F.normalize(queue, dim=-1).flatten(0, 1)
        nearest = (F.normalize(target, dim=-1) @ support.T).argmax(-1)  # [G, B]
        neighbours = support[nearest] / self.temperature  # [G, B, E]
        place = torch.arange(online.shape[1], device=online.device)
        losses = [F.cross_entropy(neighbours[g] @ found[v].T, place) for g, v in pairs]
        return torch.stack(losses).mean()
