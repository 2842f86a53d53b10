"""Reconstruction: paint what was hidden, distorted, or squeezed through a narrow place."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from pixvox_registry import LOSSES
from pixvox_registry.errors import unknown
from pixvox_zoo.patches import cut

DISTANCES = {"l1": F.l1_loss, "l2": F.mse_loss}


@LOSSES.register
class Reconstruction(nn.Module):
    """Mean distance of prediction and original, over what is masked of each case if views mask.

    MAE (arXiv:2111.06377): ``l2`` with ``per_patch``. SimMIM (arXiv:2111.09886): ``l1``.

    Args:
        distance: ``l1``, or ``l2`` for the squared error.
        per_patch: standardise the original within each patch of the mask's grid.

    Raises:
        UserError: another distance.
    """

    def __init__(self, *, distance: str = "l2", per_patch: bool = False) -> None:
        super().__init__()
        if distance not in DISTANCES:
            raise unknown("distance", distance, DISTANCES)
        self.distance = distance
        self.per_patch = per_patch

    def forward(self, prediction: Tensor, original: Tensor, mask: Tensor | None = None) -> Tensor:
        """``[V, B, C, *S] x 2, mask [V, B, *grid] -> []``."""
        if mask is None:
            return DISTANCES[self.distance](prediction, original)
        grid = mask.shape[2:]
        ours, theirs = (cut(x.flatten(0, 1), grid) for x in (prediction, original))  # [V B, N, P]
        if self.per_patch:
            centred = theirs - theirs.mean(-1, keepdim=True)
            variance = centred.square().sum(-1, keepdim=True) / (theirs.shape[-1] - 1)
            theirs = centred / (variance + 1e-6).sqrt()
        error = DISTANCES[self.distance](ours, theirs, reduction="none").mean(-1)  # [V B, N]
        hidden = mask.reshape(error.shape).to(error.dtype)
        return ((error * hidden).sum(-1) / hidden.sum(-1).clamp(min=1)).mean()
