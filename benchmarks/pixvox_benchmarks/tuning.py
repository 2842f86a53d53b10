"""How long protocols train that train at all, by budget: equal for every method."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from pixvox_registry.errors import unknown


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What training on labels may spend.

    Args:
        steps: of the optimizer.
        batch: patches or cases in a step.
        rate: highest learning rate; warmed up over a tenth of the steps, then a cosine to 0.
        looks: how often val is scored on the way; the best of them is kept.
    """

    steps: int
    batch: int
    rate: float
    looks: int

    def facts(self) -> dict[str, Any]:
        """As they stand in keys and on boards."""
        return asdict(self)


SEGMENTATION = {
    ("tiny", 2): Tuning(steps=40, batch=4, rate=2e-3, looks=2),
    ("tiny", 3): Tuning(steps=20, batch=2, rate=2e-3, looks=2),
    ("brief", 2): Tuning(steps=200, batch=8, rate=2e-3, looks=2),
    ("brief", 3): Tuning(steps=300, batch=2, rate=2e-3, looks=2),
    ("small", 2): Tuning(steps=800, batch=8, rate=2e-3, looks=4),
    ("small", 3): Tuning(steps=1_200, batch=2, rate=2e-3, looks=4),
    ("standard", 2): Tuning(steps=6_000, batch=16, rate=2e-3, looks=12),
    ("standard", 3): Tuning(steps=6_000, batch=4, rate=2e-3, looks=12),
    ("paper", 2): Tuning(steps=40_000, batch=16, rate=2e-3, looks=20),
    ("paper", 3): Tuning(steps=40_000, batch=4, rate=2e-3, looks=20),
}


def segmentation(budget: str, dims: int) -> Tuning:
    """What training to outline may spend within a budget."""
    if (budget, dims) not in SEGMENTATION:
        raise unknown("budget", budget, {known for known, _ in SEGMENTATION})
    return SEGMENTATION[budget, dims]


@dataclass(frozen=True, kw_only=True)
class Supervision:
    """What training on classes may spend; ``standard`` is MedMNIST's own (arXiv:2110.14795).

    Args:
        epochs: over train.
        batch: cases in a step.
        fewest: steps; a small share of the labels is gone through more often.
        looks: how often val is scored on the way; the best of them is kept.
        drops: shares of the epochs after which the rate is divided by ten.
    """

    epochs: int
    batch: int = 128
    fewest: int
    looks: int
    drops: tuple[float, ...] = (0.5, 0.75)

    def epochs_of(self, cases: int) -> int:
        """Enough for the fewest steps.

        >>> Supervision(epochs=20, fewest=200, looks=20).epochs_of(300)
        67
        """
        return max(self.epochs, math.ceil(self.fewest / math.ceil(cases / self.batch)))

    def facts(self) -> dict[str, Any]:
        """As they stand in keys and on boards."""
        return {**asdict(self), "drops": list(self.drops)}


CLASSIFICATION = {
    "tiny": Supervision(epochs=2, fewest=10, looks=2),
    "brief": Supervision(epochs=10, fewest=60, looks=10),
    "small": Supervision(epochs=20, fewest=120, looks=20),
    "standard": Supervision(epochs=100, fewest=500, looks=100),
    "paper": Supervision(epochs=100, fewest=500, looks=100),
}


def classification(budget: str) -> Supervision:
    """What training on classes may spend within a budget."""
    if budget not in CLASSIFICATION:
        raise unknown("budget", budget, CLASSIFICATION)
    return CLASSIFICATION[budget]
