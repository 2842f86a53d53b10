"""Refit: clusterings fitted to a bank, at the start of a stage or of an epoch."""

from __future__ import annotations

import torch

from pixvox_registry.contracts import Batch, View
from pixvox_registry.draws import key
from pixvox_zoo.branches import Encoded, encode, index_of, over_views, single, stream, undisturbed
from pixvox_zoo.feed import Feed
from pixvox_zoo.ranks import gather
from pixvox_zoo.wiring import Wiring


@torch.no_grad()
def refit(wiring: Wiring, when: str, feed: Feed, step: int) -> None:
    """Fit what is due: ``stage`` from clean images, ``epoch`` from the views' own crops.

    An epoch's bank is filled by the steps of the epoch before; the first of a stage by a pass here.
    The seed is the same on every rank, so a fit that draws its start is too. A momentum copy takes
    the fitted state as it is.
    """
    due = sorted(name for name in wiring.objectives if wiring.refit_of(name) == when)
    if when == "stage":
        _fill_from_clean_images(wiring, due, feed, step)
    else:
        _fill_from_crops(wiring, due, feed, step)
    for name in due:
        bank, clustering = wiring.store(name, "bank"), wiring.part(name, "clustering")
        torch.manual_seed(key(feed.seed, "refit", step, name))
        clustering.refit(bank.z, bank.filled)
        if wiring.recipe.momentum is not None:
            copy = wiring.part(name, "clustering", momentum=True)
            copy.load_state_dict(clustering.state_dict())


def _fill_from_clean_images(wiring: Wiring, due: list[str], feed: Feed, step: int) -> None:
    """In eval mode, as features are used later; no statistic moves."""
    was_training = wiring.training
    wiring.eval()
    for batch in feed.epoch_of(step) if due else ():
        _write(wiring, due, batch, [View(batch.images)])
    wiring.train(was_training)


def _fill_from_crops(wiring: Wiring, due: list[str], feed: Feed, step: int) -> None:
    """In the mode of the steps that will write the next epoch's; the statistics stay."""
    empty = [name for name in due if not wiring.store(name, "bank").filled.any()]
    with undisturbed(wiring.parts, wiring.teacher):
        for position in _epoch_of(step, feed) if empty else ():
            torch.manual_seed(key(feed.seed, "refit", position))
            batch = feed.at(position)
            _write(wiring, empty, batch, wiring.views(batch.images, feed.draws_at(position)))


def _epoch_of(step: int, feed: Feed) -> range:
    """The steps of the whole epoch around a step: a stage may start in the middle of one."""
    first = step - step % feed.steps_per_epoch
    return range(first, first + feed.steps_per_epoch)


def _write(wiring: Wiring, due: list[str], batch: Batch, views: list[View]) -> None:
    """Store what the target branch says of one batch in every bank that is due."""
    shown = [number for number, view in enumerate(views) if view.role != "online"]
    seen: dict[bool, Encoded] = {}
    for name in due:
        objective = wiring.objectives[name]
        momentum = wiring.target_of(objective) == "momentum"
        if momentum not in seen:
            backbone = (wiring.teacher if momentum else wiring.parts)["backbone"]
            seen[momentum] = encode(backbone, views, shown, masked=False)
        name_of_stream = objective.target_stream or objective.stream
        found = stream(seen[momentum], name_of_stream, len(batch.images))
        if found is None:
            continue
        x = found.x
        if objective.cluster_on == "embedding":
            x = over_views(wiring.part(name, "projector", momentum=momentum), x)
        index = index_of(objective.stream, batch, x.shape[1])
        wiring.store(name, "bank").write(gather(index, 0), gather(single(x)))
