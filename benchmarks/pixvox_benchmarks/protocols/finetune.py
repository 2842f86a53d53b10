"""The backbone and a linear layer, both trained on the classes."""

from __future__ import annotations

from collections.abc import Callable

from pixvox_benchmarks.classifier import classify
from pixvox_registry import PROTOCOLS
from pixvox_registry.cases import Cases
from pixvox_registry.measuring import Predictions, Trial


@PROTOCOLS.register
class Finetune:
    """Training starts at the pretrained weights; the epoch is chosen by the AUC on val.

    Args:
        rate: of Adam, the same for every method.
    """

    version = "1"
    sees = "cases"

    def __init__(self, rate: float = 1e-3) -> None:
        self.rate = rate

    def __call__(
        self, train: Cases, val: Cases, test: Callable[[], Cases], trial: Trial
    ) -> Predictions:
        """Train, choose by val, then open test.

        Raises:
            UserError: the backbone does not fit the cases.
        """
        backbone = trial.pretrained.backbone
        return classify(train, val, test, trial, backbone=backbone, rate=self.rate)
