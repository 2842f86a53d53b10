"""Maker ``weights``: backbones that were pretrained elsewhere, on whatever data."""

from __future__ import annotations

from pathlib import Path

from pixvox_registry import MAKERS
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.contracts import Pretrained
from pixvox_registry.errors import UserError
from pixvox_registry.order import Order
from pixvox_zoo import weights, weights_card, whereabouts


@MAKERS.register
class WeightsMaker:
    """Weights as they are: ``weights:runs/joint-s{seed}/weights``, or an installed name.

    ``{seed}`` stands for the seed of the cell. Nothing is trained: budget and cases of the order
    decide nothing, and the card says what did.
    """

    def fingerprint(self, order: Order) -> str:
        """sha256 over the digests that the card lists."""
        return fingerprint(weights_card.read_card(folder_of(order))["sha256"])

    def check(self, order: Order) -> None:
        """Read the card.

        Raises:
            UserError: no weights are there, or they are for other dims or channels.
        """
        card = weights_card.read_card(folder_of(order))
        cases = order.source.cases(order.split)
        made_for = card["facts"]["dims"], card["facts"]["in_channels"]
        if made_for != (cases.dims, cases.in_channels):
            raise UserError(
                f"{folder_of(order)} is for {made_for[0]}D and {made_for[1]} channels; "
                f"{order.source.name} has {cases.dims}D and {cases.in_channels}."
            )

    def make(self, order: Order, folder: Path) -> Path:
        """The folder as it is."""
        return folder_of(order).resolve()

    def load(self, weights_folder: Path) -> Pretrained:
        """The backbone, verified."""
        return weights.load(weights_folder)

    def estimate(self, order: Order) -> tuple[float, int]:
        """Nothing."""
        return 0.0, 0


def folder_of(order: Order) -> Path:
    """Where the weights are that an order names for its seed."""
    return whereabouts.folder_of(order.method.replace("{seed}", str(order.seed)))
