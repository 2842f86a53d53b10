"""Maker ``slices``: a 2D method on the slices of volumes, and slice by slice on the volumes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from pixvox_registry import MAKERS
from pixvox_registry.artifacts import canonical_json, fingerprint, publish
from pixvox_registry.budgets import budget
from pixvox_registry.contracts import Maker, Pretrained
from pixvox_registry.errors import UserError
from pixvox_registry.order import Order
from pixvox_registry.source_code import digest_of_plugin
from pixvox_zoo import slice_by_slice, slice_source
from pixvox_zoo.slice_by_slice import SliceBySlice
from pixvox_zoo.slice_source import SliceSource

NOTE = "slices.json"


@MAKERS.register
class SlicesMaker:
    """``slices:simclr`` pretrains a recipe on slices; ``slices:weights:FOLDER`` takes 2D weights.

    What stands after ``slices:`` is a method as it stands for images, by whatever maker. It sees
    the slices across the first axis, and spends what the budget of that name gives to images, at
    the side that volumes have there. Features of a volume are the mean of those of all its slices.
    """

    def fingerprint(self, order: Order) -> str:
        """sha256 over all that decides the 2D weights, and the code that puts them to volumes."""
        name, maker = maker_of(order)
        modules = (slice_source.__name__, slice_by_slice.__name__)
        code = [digest_of_plugin(module, alone=True) for module in modules]
        return fingerprint([name, maker.fingerprint(order_of_slices(order)), code])

    def check(self, order: Order) -> None:
        """What the 2D method checks, on slices.

        Raises:
            UserError: the cases are images, or the 2D method does not exist or fit.
        """
        _, maker = maker_of(order)
        maker.check(order_of_slices(order))

    def make(self, order: Order, folder: Path) -> Path:
        """Make the 2D weights below ``folder``, or go on with them; a note says where they are."""
        name, maker = maker_of(order)
        weights = maker.make(order_of_slices(order), folder)
        inside = weights.is_relative_to(folder)
        place = weights.relative_to(folder) if inside else weights.resolve()
        publish(folder / NOTE, canonical_json({"maker": name, "weights": str(place)}))
        return folder

    def load(self, weights_folder: Path) -> Pretrained:
        """The 2D backbone, verified, put to volumes.

        Raises:
            UserError: nothing was made here, or the 2D weights are missing or changed.
        """
        note = noted(weights_folder)
        loaded = MAKERS.build(note["maker"]).load(weights_folder / note["weights"])
        fresh = loaded.fresh
        return replace(
            loaded,
            backbone=SliceBySlice(loaded.backbone).eval(),
            card=card_of(loaded),
            fresh=None if fresh is None else lambda seed: SliceBySlice(fresh(seed)),
        )

    def estimate(self, order: Order) -> tuple[float, int]:
        """Seconds and bytes of the 2D method."""
        _, maker = maker_of(order)
        return maker.estimate(order_of_slices(order))


def maker_of(order: Order) -> tuple[str, Maker]:
    """Who makes the 2D weights: what stands before the next colon, or ``recipe``."""
    name, colon, _ = order.method.partition(":")
    name = name if colon else "recipe"
    return name, MAKERS.build(name)


def order_of_slices(order: Order) -> Order:
    """The same for images: slices, the budget that images have, and axes within a slice.

    An order that departs from its preset in the cases seen does so here in the same proportion.

    Raises:
        UserError: the order is for images already.
    """
    if order.source.dims != 3:
        raise UserError(
            f"Method 'slices:{order.method}' sees slices of volumes, and {order.source.name} has "
            f"images. Take {order.method} itself, or a task of volumes."
        )
    in_3d, in_2d = (budget(order.budget.name, dims) for dims in (3, 2))
    seen = max(1, round(in_2d.seen * order.budget.seen / in_3d.seen))
    return replace(
        order,
        method=order.method.partition(":")[2] or order.method,
        source=SliceSource(order.source),
        budget=replace(in_2d, image_size=order.budget.image_size, seen=seen),
        flips=tuple(axis - 1 for axis in order.flips if axis > 0),
    )


def noted(folder: Path) -> dict[str, Any]:
    """Which maker made the 2D weights of a folder, and where they are.

    Raises:
        UserError: the note is not there.
    """
    file = folder / NOTE
    if not file.is_file():
        raise UserError(f"{folder} holds no {NOTE}, which the maker 'slices' leaves; make it anew.")
    note: dict[str, Any] = json.loads(file.read_text())
    return note


def card_of(loaded: Pretrained) -> dict[str, Any]:
    """The card of the 2D weights, and what is done with them; the backbone is another one now."""
    card = dict(loaded.card)
    encoder = card.get("backbone", {}).get("name", "unknown")
    return {
        **card,
        "backbone": {**card.get("backbone", {}), "name": f"slices:{encoder}"},
        "facts": {**card.get("facts", {}), "dims": 3},
        "slices": {
            "axis": 0,
            "encoder": encoder,
            "pooled": "mean over all slices of the resized volume",
            "maps": "of every slice, stacked",
            "macs": "of one slice",
        },
    }
