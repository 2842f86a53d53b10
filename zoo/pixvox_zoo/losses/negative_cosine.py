"""Negative cosine: what one view predicts points where the other view does (arXiv:2011.10566)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import LOSSES


@LOSSES.register
class NegativeCosine(nn.Module):
    """Equation 1 of SimSiam, the mean over pairs of views; BYOL's loss is 2 plus twice this.

    >>> import torch
    >>> z = torch.eye(4)[None].repeat(2, 1, 1)
    >>> NegativeCosine()(z, z, [(0, 1)])
    tensor(-1.)
    """

    def forward(self, online: Tensor, target: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
        """``[V, B, E], [G, B, E] -> []``."""
        ours, theirs = F.normalize(online, dim=-1), F.normalize(target, dim=-1)
        cosines = [(ours[v] * theirs[g]).sum(-1).mean() for g, v in pairs]
        return -torch.stack(cosines).mean()
