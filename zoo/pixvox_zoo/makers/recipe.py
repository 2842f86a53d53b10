"""Maker ``recipe``: pretrains a recipe of the zoo on the cases that a benchmark orders."""

from __future__ import annotations

from pathlib import Path

from pixvox_registry import MAKERS
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.contracts import Pretrained
from pixvox_registry.order import Order
from pixvox_zoo import weights
from pixvox_zoo.border import read_recipe
from pixvox_zoo.card import identity_of
from pixvox_zoo.devices import default_precision, fabric_of
from pixvox_zoo.preparation import prepare
from pixvox_zoo.pretraining import pretrain
from pixvox_zoo.timing import estimate_seconds


@MAKERS.register
class RecipeMaker:
    """A method of the zoo, by the name of its recipe."""

    def fingerprint(self, order: Order) -> str:
        """sha256 over the recipe, cases, budget, seed, precision and every plugin's code."""
        precision = default_precision("auto")
        return fingerprint(identity_of(read_recipe(order.method), order, precision=precision))

    def check(self, order: Order) -> None:
        """Build the parts of every stage; nothing is written."""
        prepare(read_recipe(order.method), order, fabric_of())

    def make(self, order: Order, folder: Path) -> Path:
        """Pretrain in ``folder``, or go on with it, or find it done."""
        return pretrain(read_recipe(order.method), order, folder, resume=True)

    def load(self, weights_folder: Path) -> Pretrained:
        """The backbone, verified."""
        return weights.load(weights_folder)

    def estimate(self, order: Order) -> tuple[float, int]:
        """Seconds and bytes, from a few timed steps of the real loop body."""
        return estimate_seconds(read_recipe(order.method), order)
