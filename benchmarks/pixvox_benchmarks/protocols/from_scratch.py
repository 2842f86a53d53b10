"""The same backbone with fresh weights, trained on the classes: MedMNIST's own protocol."""

from __future__ import annotations

from collections.abc import Callable

from pixvox_benchmarks.classifier import classify
from pixvox_registry import PROTOCOLS
from pixvox_registry.cases import Cases
from pixvox_registry.errors import UserError
from pixvox_registry.measuring import Predictions, Trial


@PROTOCOLS.register
class FromScratch:
    """What was pretrained is left out: the score that pretraining has to beat (arXiv:2110.14795).

    Args:
        rate: of Adam; theirs.
    """

    version = "1"
    sees = "cases"
    unpretrained = True  # what the weights were shown is no matter

    def __init__(self, rate: float = 1e-3) -> None:
        self.rate = rate

    def __call__(
        self, train: Cases, val: Cases, test: Callable[[], Cases], trial: Trial
    ) -> Predictions:
        """Draw weights by the seed, train, choose by val, then open test.

        Raises:
            UserError: the maker cannot build its backbone afresh, or it does not fit the cases.
        """
        fresh = trial.pretrained.fresh
        if fresh is None:
            raise UserError(
                "Protocol 'from_scratch' wants the backbone with fresh weights, and the maker of "
                "this one gives no way to build it (Pretrained.fresh). Take finetune."
            )
        return classify(train, val, test, trial, backbone=fresh(trial.seed), rate=self.rate)
