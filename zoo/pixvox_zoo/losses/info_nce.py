"""InfoNCE: pick the one right key among many (arXiv:1807.03748; MoCo, arXiv:1911.05722)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import LOSSES
from pixvox_zoo.own_rows import hide_own


@LOSSES.register
class InfoNCE(nn.Module):
    """Cross-entropy of the case's own key; equation 1 of MoCo, the mean over pairs of views.

    The other keys are the queue where there is one (MoCo v2), less what it holds of the case
    itself, else the keys of the other cases of the batch (MoCo v3, whose factor 2 tau is the weight
    of an objective).

    Args:
        temperature: tau.

    >>> import torch
    >>> z = torch.eye(4)[None].repeat(2, 1, 1)
    >>> InfoNCE()(z, z, [(0, 1)]).shape
    torch.Size([])
    """

    def __init__(self, *, temperature: float = 0.2) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(
        self,
        online: Tensor,
        target: Tensor,
        pairs: list[tuple[int, int]],
        index: Tensor | None = None,
        queue: Tensor | None = None,
        queue_index: Tensor | None = None,
    ) -> Tensor:
        """``[V, B, E], [G, B, E], index [B], queue [G, Q, E], queue_index [Q] -> []``."""
        asking, keys = F.normalize(online, dim=-1) / self.temperature, F.normalize(target, dim=-1)
        others = None if queue is None else F.normalize(queue, dim=-1).flatten(0, 1)  # [G Q, E]
        place = torch.arange(online.shape[1], device=online.device)
        total = online.new_zeros(())
        for g, v in pairs:
            if others is None:
                total = total + F.cross_entropy(asking[v] @ keys[g].T, place)
                continue
            own = (asking[v] * keys[g]).sum(-1, keepdim=True)  # [B, 1]
            logits = torch.cat([own, hide_own(asking[v] @ others.T, index, queue_index)], 1)
            total = total + F.cross_entropy(logits, torch.zeros_like(place))
        return total / len(pairs)
