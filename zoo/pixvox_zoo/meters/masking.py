"""Meter ``masking``: what an encoder saves when it never sees masked patches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from pixvox_registry import METERS

SIZE, PATCH, SHARES = 64, 8, (0.5, 0.75)
CASES = {2: 64, 3: 8}
Way = Callable[[], None]


@METERS.register
def masking(recipe: str | None, dims: int, seconds: float) -> list[dict[str, Any]]:
    """Forward and backward through the ViT, masked over full; less than 1 is time saved."""
    import torch

    from pixvox_registry import BACKBONES, VIEWS
    from pixvox_registry.draws import Draws

    torch.manual_seed(0)
    facts = {"dims": dims, "image_size": SIZE}
    vit: Any = BACKBONES.build("vit", **facts, in_channels=1, patch=PATCH)
    images = torch.randn(CASES[dims], 1, *[SIZE] * dims)

    def step(mask: Any) -> Way:
        def run() -> None:
            vit.zero_grad()
            vit(images, mask).pooled.sum().backward()

        return run

    rows = []
    for share in SHARES:
        make = VIEWS.build("block_mask", **facts, patch=PATCH, share=share)
        (view,) = make(images, Draws(0, 0, len(images)))
        masked, full = race(step(view.mask), step(None), seconds / len(SHARES))
        rows.append(
            {
                "what": f"masked_{share:.0%}_share_of_full".replace("%", ""),
                "ours": masked * 1e3,
                "other": full * 1e3,
                "ratio": masked / full,
                "unit": f"ms ({dims}D, {SIZE} px, patch {PATCH}, batch {len(images)})",
            }
        )
    return rows


def race(
    ours: Callable[[], None], other: Callable[[], None], seconds: float
) -> tuple[float, float]:
    """Median seconds of one call of each, taken alternately after one that does not count."""
    laps: tuple[list[float], list[float]] = ([], [])
    ours()
    other()
    until = time.perf_counter() + 2 * seconds
    while not laps[1] or time.perf_counter() < until:
        for spent, way in zip(laps, (ours, other), strict=True):
            begun = time.perf_counter()
            way()
            spent.append(time.perf_counter() - begun)
    return statistics.median(laps[0]), statistics.median(laps[1])
