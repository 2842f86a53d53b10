"""Masked prediction: what was hidden is told from what was left (arXiv:2212.01893)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_registry import LOSSES


@LOSSES.register
class MaskedPrediction(nn.Module):
    """Mean squared error of embeddings, the mean over pairs of views and over what is masked.

    Args:
        everything: the error of what was left counts as well.

    >>> import torch
    >>> told, wanted = torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    >>> MaskedPrediction()(told, wanted, [(0, 0)], torch.tensor([[True, False]]))
    tensor(1.)
    """

    def __init__(self, *, everything: bool = False) -> None:
        super().__init__()
        self.everything = everything

    def forward(
        self,
        online: Tensor,
        target: Tensor,
        pairs: list[tuple[int, int]],
        mask: Tensor | None = None,
    ) -> Tensor:
        """``[V, B, E], [G, B, E], mask [V, B] -> []``; without a mask all of it counts."""
        errors = []
        for g, v in pairs:
            error = (online[v] - target[g]).square().mean(-1)  # [B]
            if mask is None or self.everything:
                errors.append(error.mean())
                continue
            hidden = mask[v].to(error.dtype)
            errors.append((error * hidden).sum() / hidden.sum().clamp(min=1))
        return torch.stack(errors).mean()
