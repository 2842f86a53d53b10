"""Meter ``fusion``: what fusing slices adds to encoding them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pixvox_registry import METERS
from pixvox_zoo.meters.masking import race

VOLUMES, SLICES, SIZE = 2, 64, 64
FUSIONS = ("deformable_attention", "attention", "mean")
RECIPE = "joint_swav"


@METERS.register
def fusion(recipe: str | None, dims: int, seconds: float) -> list[dict[str, Any]]:
    """Forward and backward of each fusion over those of the slice encoder, with the joint recipe's
    own settings; 0.15 says that the fusion adds 15 %. Recipe and dims change nothing.
    """
    import torch

    from pixvox_registry import BACKBONES
    from pixvox_zoo.border import read_recipe

    told = read_recipe(RECIPE).backbone
    facts = {"dims": 3, "in_channels": 1, "image_size": SIZE, "width": 1.0}
    volumes = torch.randn(VOLUMES, 1, SLICES, SIZE, SIZE)
    rows = []
    for name in FUSIONS:
        part = (
            told.settings["fusion"] if name == told.settings["fusion"]["name"] else {"name": name}
        )
        torch.manual_seed(0)
        backbone: Any = BACKBONES.build(told.name, **facts, **{**told.settings, "fusion": part})
        spent, other = race(*halves(backbone.train(), volumes), seconds / len(FUSIONS))
        rows.append(
            {
                "what": f"{name}_over_slices",
                "ours": spent * 1e3,
                "other": other * 1e3,
                "ratio": spent / other,
                "unit": f"ms ({VOLUMES} x {SLICES} slices of {SIZE} px, {RECIPE})",
            }
        )
    return rows


def halves(backbone: Any, volumes: Any) -> tuple[Callable[[], None], Callable[[], None]]:
    """A step of the fusion alone, and one of the slice encoder alone."""
    slices = backbone.slices(volumes.transpose(1, 2).flatten(0, 1)).pooled.detach()
    stack = slices.unflatten(0, volumes.shape[:1] + volumes.shape[2:3]).requires_grad_()

    def fuse() -> None:
        backbone.fusion(stack).mean(1).square().sum().backward()

    def encode() -> None:
        backbone.slices(volumes.transpose(1, 2).flatten(0, 1)).pooled.square().sum().backward()

    return fuse, encode
