"""Linear: one layer, by default to as many outputs as there are classes."""

from __future__ import annotations

from torch import Tensor, nn

from pixvox_registry import HEADS
from pixvox_registry.errors import UserError


@HEADS.register
class Linear(nn.Module):
    """A classifier, or the smallest projector.

    Args:
        out: E; the number of classes by default.

    Raises:
        UserError: no ``out``, and the cases have no classes.
    """

    def __init__(self, num_features: int, *, out: int | None = None, num_classes: int = 0) -> None:
        super().__init__()
        self.num_outputs = out or num_classes
        if self.num_outputs < 1:
            raise UserError("head 'linear' needs out, or cases with classes; neither is there.")
        self.layer = nn.Linear(num_features, self.num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """``[R, D] -> [R, E]``."""
        logits: Tensor = self.layer(x)
        return logits
