"""Decoupled contrastive loss: no positive in the denominator (arXiv:2110.06848)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import LOSSES


@LOSSES.register
class DCL(nn.Module):
    """Equation 6: ``-cosine / tau + log of the sum over negatives``, the mean over pairs of views.

    Negatives are all views of all other cases. Without the positive among them the gradient does
    not fade where a view is found easily, which is what small batches suffer from.

    Args:
        temperature: tau.

    >>> import torch
    >>> z = torch.eye(4)[None].repeat(2, 1, 1)
    >>> DCL()(z, z, [(0, 1)]).shape
    torch.Size([])
    """

    def __init__(self, *, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, online: Tensor, target: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
        """``[V, B, E], [G, B, E] -> []``."""
        anchors, keys = F.normalize(online, dim=-1) / self.temperature, F.normalize(target, dim=-1)
        s = torch.einsum("vbe,gke->vbgk", anchors, keys)
        p = s.diagonal(dim1=1, dim2=3)  # [V, G, B]
        own = torch.eye(online.shape[1], dtype=torch.bool, device=s.device)
        hidden = s.masked_fill(own[:, None], torch.finfo(s.dtype).min)
        negatives = hidden.flatten(2).logsumexp(2)  # [V, B]
        of_views = negatives[:, None] - p
        return torch.stack([of_views[v, g] for g, v in pairs]).mean()
