"""Budgets: named presets that make the methods of one comparison cost the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pixvox_registry.errors import unknown


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What every method of a comparison may spend.

    Args:
        seen: training cases shown, counted once per case and epoch (not per view).
        batch: cases per step, over all processes.
        width: multiplier of the backbone's channels.
        stem: ``imagenet`` (7-wide stride 2, then pooling) or ``small`` (3-wide stride 1, none).
        image_size: side of the images that the backbone sees.
    """

    name: str
    dims: int
    seen: int
    batch: int
    width: float
    stem: str
    image_size: int

    def facts(self) -> dict[str, Any]:
        """As they stand in keys and on boards."""
        return asdict(self)


def _budget(
    name: str, dims: int, seen: int, batch: int, width: float, stem: str, size: int
) -> Budget:
    return Budget(
        name=name, dims=dims, seen=seen, batch=batch, width=width, stem=stem, image_size=size
    )


# brief is for a look at every recipe, small serves two CPU cores, standard one GPU; paper is what
# the methods' authors spent, roughly.
BUDGETS = {
    (budget.name, budget.dims): budget
    for budget in (
        _budget("tiny", 2, 10_240, 128, 0.5, "imagenet", 28),
        _budget("tiny", 3, 4_096, 64, 0.25, "imagenet", 28),
        _budget("brief", 2, 15_360, 64, 1.0, "imagenet", 28),
        _budget("brief", 3, 2_880, 24, 0.5, "imagenet", 28),
        _budget("small", 2, 72_000, 256, 1.0, "imagenet", 28),
        _budget("small", 3, 14_400, 128, 0.5, "imagenet", 28),
        _budget("standard", 2, 470_000, 256, 1.0, "small", 28),
        _budget("standard", 3, 120_000, 128, 1.0, "small", 28),
        _budget("paper", 2, 4_700_000, 512, 1.0, "imagenet", 224),
        _budget("paper", 3, 1_200_000, 256, 1.0, "small", 64),
    )
}


def budget(name: str, dims: int) -> Budget:
    """The preset of that name for images (2) or volumes (3)."""
    if (name, dims) not in BUDGETS:
        raise unknown("budget", name, {known for known, _ in BUDGETS})
    return BUDGETS[name, dims]
