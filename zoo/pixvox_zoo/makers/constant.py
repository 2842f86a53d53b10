"""Maker ``constant``: a backbone that says the same of every case, the floor of floors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from pixvox_registry import MAKERS
from pixvox_registry.artifacts import canonical_json, digest, fingerprint, publish
from pixvox_registry.cases import GREY_LEVELS
from pixvox_registry.contracts import Features, Pretrained
from pixvox_registry.intensity import Intensity
from pixvox_registry.order import Order
from pixvox_registry.prints import NOTHING


class Nothing(nn.Module):
    """One feature that is always zero."""

    num_features = 1
    channels: Sequence[int] = ()
    strides: Sequence[int] = ()
    patch = None

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        """``[B, C, *S] -> pooled [B, 1]``."""
        return Features(pooled=images.new_zeros(len(images), 1))


@MAKERS.register
class ConstantMaker:
    """Method ``constant:prediction``: a probe of it can but predict what train holds most of.

    Whatever stands after the colon is a name and decides nothing.
    """

    def fingerprint(self, order: Order) -> str:
        """sha256 over the number of channels, all that there is to decide."""
        return fingerprint({"in_channels": order.source.cases(order.split).in_channels})

    def check(self, order: Order) -> None:
        """Any cases will do."""

    def make(self, order: Order, folder: Path) -> Path:
        """A folder with a card."""
        facts = {
            "image_size": order.budget.image_size,
            "in_channels": order.source.cases(order.split).in_channels,
            "recipe": {"name": order.method, "family": "reference"},
        }
        publish(folder / "card.json", canonical_json(facts))
        return folder

    def load(self, weights_folder: Path) -> Pretrained:
        """The backbone, which needs no weights."""
        file = weights_folder / "card.json"
        card = json.loads(file.read_bytes())
        channels = card["in_channels"]
        return Pretrained(
            backbone=Nothing().eval(),
            intensity=Intensity((0.0,) * channels, (1.0,) * channels, GREY_LEVELS),
            image_size=card["image_size"],
            sha256=digest(file),
            card={**card, "prints": NOTHING},
        )

    def estimate(self, order: Order) -> tuple[float, int]:
        """Nothing."""
        return 0.0, 0
