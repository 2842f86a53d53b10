"""Swapped prediction: one view predicts the clusters of another (arXiv:2006.09882)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_registry import LOSSES


@LOSSES.register
class SwappedPrediction(nn.Module):
    """Equation 2: cross-entropy of assignments and softmax scores, the mean over pairs and heads.

    Serves every clustering: SwAV's codes, DINO's centred teacher (arXiv:2104.14294, equation 1),
    and labels of a bank, which are the same for all views of a case. Cases whose assignment is all
    zeros are left out, and on dense streams whatever is not masked, if the views mask.

    Args:
        temperature: tau of the predicting view.

    >>> import torch
    >>> scores, codes = torch.zeros(1, 2, 4, 3), torch.ones(1, 2, 4, 3) / 3
    >>> SwappedPrediction()(scores, codes, [(0, 1)])
    tensor(1.0986)
    """

    def __init__(self, *, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(
        self,
        scores: Tensor,
        assignments: Tensor,
        pairs: list[tuple[int, int]],
        mask: Tensor | None = None,
    ) -> Tensor:
        """``[H, V, B, K], [H, G or 1, B, K], mask [V, B] -> []``."""
        log_p = (scores / self.temperature).log_softmax(-1)
        codes = assignments.to(log_p.dtype)
        known = codes.sum(-1)  # [H, G or 1, B]: 1, or 0 = ignore
        losses = []
        for g, v in pairs:
            group = g if codes.shape[1] > 1 else 0
            counts = known[:, group] if mask is None else known[:, group] * mask[v]
            entropy = -(codes[:, group] * log_p[:, v]).sum(-1)  # [H, B]
            losses.append((entropy * counts).sum(1) / counts.sum(1).clamp(min=1))
        return torch.stack(losses).mean()
