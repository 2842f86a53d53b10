"""Position contrast: similarity to the base crops says where a crop lies (arXiv:2402.17300)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import LOSSES, UserError


@LOSSES.register
class PositionContrast(nn.Module):
    """Equations 3 and 4: ``-log(1 - |overlap - cosine|)``, and base crops apart from each other.

    Cosines below zero count as zero, and base crops learn from the second term alone. Both terms
    are means over views and cases.

    Args:
        regularisation: weight of the cosines between base crops.
    """

    def __init__(self, *, regularisation: float = 1.0) -> None:
        super().__init__()
        self.regularisation = regularisation

    def forward(self, online: Tensor, target: Tensor, labels: Tensor) -> Tensor:
        """``[V, B, E], [G, B, E], [V, B, G] -> []``; labels are shares of overlap.

        Raises:
            UserError: labels of another kind.
        """
        if labels.ndim != 3:
            raise UserError(
                "loss 'position_contrast' wants the share of every target view as labels: those "
                "called overlap, of views volume_positions."
            )
        crops, bases = F.normalize(online, dim=-1), F.normalize(target, dim=-1)
        found = torch.einsum("vbe,gbe->vbg", crops, bases.detach()).clamp(min=0)
        wrong = (labels - found).abs().clamp(max=1 - 1e-4)  # the logarithm of 0 has no gradient
        between = torch.einsum("gbe,hbe->bgh", bases, bases).abs()
        count = len(bases)
        apart = (between.sum((1, 2)) - between.diagonal(dim1=1, dim2=2).sum(1)) / (
            count * (count - 1)
        )
        return -(1 - wrong).log().mean() + self.regularisation * apart.mean()
