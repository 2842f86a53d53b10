"""Refit: clusterings fitted to a bank, at the start of a stage or of an epoch."""

from __future__ import annotations

import torch

from pixvox_registry.contracts import Batch, View
from pixvox_zoo.branches import encode, over_views, stream
from pixvox_zoo.feed import Feed
from pixvox_zoo.ranks import gather
from pixvox_zoo.wiring import Wiring


@torch.no_grad()
def refit(wiring: Wiring, when: str, feed: Feed, step: int) -> None:
    """Fit what is due: ``stage`` from clean images, ``epoch`` from the views' own crops.

    An epoch's bank is filled by the steps of the epoch before; the first one by a pass here.
    """
    due = {name for name, objective in wiring.objectives.items() if objective.refit == when}
    banks = {name: wiring.store(name, "bank") for name in due}
    if when == "stage" or any(not bank.filled.any() for bank in banks.values()):
        for position in range(step, step + feed.steps_per_epoch if due else step):
            batch = feed.at(position)
            plain = [View(batch.images)]
            views = (
                plain if when == "stage" else wiring.views(batch.images, feed.draws_at(position))
            )
            _write(wiring, due, batch, views)
    for name in sorted(due):
        wiring.part(name, "clustering").refit(banks[name].z, banks[name].filled)


def _write(wiring: Wiring, due: set[str], batch: Batch, views: list[View]) -> None:
    """Store what the backbone says of one batch in every bank that is due."""
    shown = [number for number, view in enumerate(views) if view.role != "online"]
    encoded = encode(wiring.parts["backbone"], views, shown, masked=False)
    for name in sorted(due):
        objective = wiring.objectives[name]
        found = stream(encoded, objective.stream, len(batch.images))
        if found is None:
            continue
        x = found.x
        if objective.cluster_on == "embedding":
            x = over_views(wiring.part(name, "projector"), x)
        slices = objective.stream == "slices" and batch.slice_index is not None
        index = batch.slice_index.flatten() if slices else batch.index  # type: ignore[union-attr]
        wiring.store(name, "bank").write(gather(index, 0), gather(x.float()))
