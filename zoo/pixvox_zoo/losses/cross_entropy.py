"""Cross-entropy on labels that cases or views provide."""

from __future__ import annotations

from torch import Tensor, nn

from pixvox_registry import LOSSES


@LOSSES.register
class CrossEntropy(nn.Module):
    """``-log softmax(online)[label]``, the mean over views and cases.

    Args:
        label_smoothing: share of the target that is spread over all classes.
    """

    def __init__(self, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, online: Tensor, labels: Tensor) -> Tensor:
        """``[V, B, K], [V, B] -> []``."""
        return nn.functional.cross_entropy(
            online.flatten(0, 1), labels.flatten(), label_smoothing=self.label_smoothing
        )
