"""Preparation: the cases, and a method that fits them, before anything is written."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import torch
from lightning_fabric import Fabric

from pixvox_registry.contracts import Batch, View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.order import Order
from pixvox_zoo.allocator import keep_memory
from pixvox_zoo.alternation import Alternation
from pixvox_zoo.branches import undisturbed
from pixvox_zoo.composition import Facts
from pixvox_zoo.feed import Feed
from pixvox_zoo.recipe import Recipe
from pixvox_zoo.refusals import check_streams
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring

FEW = 32  # cases of a rehearsal


def prepare(
    recipe: Recipe, order: Order, fabric: Fabric, *, synchronised: bool = False
) -> tuple[Feed, Wiring]:
    """Cases on the device, and the method that fits them, its first stage built.

    Args:
        synchronised: BatchNorms see the batches of all ranks.

    Raises:
        UserError: missing labels, or parts of any stage that do not fit.
    """
    keep_memory()
    feed = feed_of(order, fabric)
    facts = facts_of(order, feed)

    def built() -> Wiring:
        return Wiring(recipe, facts, seed=order.seed, synchronised=synchronised)

    rehearse(built(), feed, order.source.name, fabric)
    wiring = built()
    wiring.begin_stage(recipe.stages[0])
    wiring.to(fabric.device).train()
    return feed, wiring


def feed_of(order: Order, fabric: Fabric) -> Feed:
    """The cases of all sources, numbered through.

    Raises:
        UserError: sources whose cases differ in channels.
    """
    asked = [(order.source, order.split, order.budget.batch)]
    asked += [(beside.source, beside.split, beside.batch) for beside in order.beside]
    feeds: list[Feed] = []
    offset = slice_offset = 0
    for source, split, batch in asked:
        cases = source.cases(split).resized(order.budget.image_size)
        feed = Feed(
            cases,
            Intensity.of(cases),
            batch=batch,
            seed=order.seed,
            device=fabric.device,
            offset=offset,
            slice_offset=slice_offset,
            name=source.name,
            rank=fabric.global_rank,
            ranks=fabric.world_size,
        )
        offset += len(cases)
        slice_offset += len(cases) * len(feed.slices)
        feeds.append(feed)
    channels = {feed.name: feed.cases.in_channels for feed in feeds}
    if len(set(channels.values())) > 1:
        told = ", ".join(f"{name} has {count}" for name, count in channels.items())
        raise UserError(
            f"One backbone sees all sources, and their channels differ: {told}. Read them with as "
            "many, for example image_folder:PATH,channels=1."
        )
    return feeds[0] if len(feeds) == 1 else Alternation(feeds)


def facts_of(order: Order, feed: Feed) -> Facts:
    """What the cases and the budget decide."""
    cases = feed.cases
    allowed: dict[int, set[int]] = {cases.dims: set(order.flips)}
    for beside in order.beside:  # what mirrors one source of these dims mirrors all of them
        here = allowed.setdefault(beside.source.dims, set(beside.flips))
        here &= set(beside.flips)
    flips = {dims: tuple(sorted(axes)) for dims, axes in allowed.items()}
    return Facts(
        dims=cases.dims,
        in_channels=cases.in_channels,
        image_size=order.budget.image_size,
        width=order.budget.width,
        stem=order.budget.stem,
        flips=flips[cases.dims],
        num_classes=int(cases.labels["class"].max()) + 1 if "class" in cases.labels else 0,
        rows={
            "pooled": sum(len(each.cases) for each in feed.feeds),
            "slices": sum(len(each.cases) * len(each.slices) for each in feed.feeds),
        },
        beside={dims: axes for dims, axes in flips.items() if dims != cases.dims},
    )


@torch.no_grad()
def rehearse(wiring: Wiring, feed: Feed, source: str, fabric: Fabric) -> None:
    """Send a few cases through every stage, so that no misfit waits until files or hours are spent.

    The wiring is for this alone: its BatchNorms and its place in the stages have moved.
    """
    some = [few(feed, step) for step in range(len(feed.feeds))]
    shown = [wiring.views(batch.images, draws) for batch, draws in some]
    for (batch, _), views in zip(some, shown, strict=True):
        check_labels(wiring.recipe, batch, views, source)
    for stage in wiring.recipe.stages:
        wiring.begin_stage(stage)
        wiring.to(fabric.device).train()
        check_every_stream(wiring, [views[0] for views in shown])
        Stepper(wiring)
        # A clustering that is refitted has nothing to say before its first bank.
        if not any(wiring.refit_of(name) for name in stage.objectives):
            with warnings.catch_warnings():  # so few cases warn of what a batch does not
                warnings.simplefilter("ignore")
                wiring.fill_queues(some)
                with fabric.autocast():
                    for (batch, _), views in zip(some, shown, strict=True):
                        wiring.loss_of(batch, views)


def few(feed: Feed, step: int) -> tuple[Batch, Draws]:
    """The first cases of this rank's batch of a step, with their random numbers."""
    batch, draws = feed.at(step), feed.draws_at(step)
    some = replace(
        batch,
        images=batch.images[:FEW],
        index=batch.index[:FEW],
        slice_index=None if batch.slice_index is None else batch.slice_index[:FEW],
        labels={name: label[:FEW] for name, label in batch.labels.items()},
    )
    rows = slice(draws.rows.start, draws.rows.start + len(some.images))
    return some, replace(draws, rows=rows)


@torch.no_grad()
def take_turns(wiring: Wiring, feed: Feed) -> None:
    """Let those sources alternate that serve an objective of the stage; it is built already."""
    if not isinstance(feed, Alternation):
        return
    feed.turns = list(feed.feeds)
    served = []
    with undisturbed(wiring.parts, wiring.teacher), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few cases warn of what a batch does not
        for step, source in enumerate(feed.feeds):
            batch, draws = few(feed, step)
            if wiring.serves(batch, wiring.views(batch.images, draws)):
                served.append(source)
    feed.turns = served


def check_labels(recipe: Recipe, batch: Batch, views: Sequence[View], source: str) -> None:
    """Refuse a recipe that learns from a label which neither cases nor views have."""
    of_views = {name for view in views for name in view.labels}
    missing = sorted(recipe.needs_labels - batch.labels.keys() - of_views)
    if missing:
        raise UserError(
            f"Recipe {recipe.name!r} learns from the label {missing[0]!r}; {source} has "
            f"{', '.join(batch.labels) or 'no labels'}. Take a recipe that needs none."
        )


def check_every_stream(wiring: Wiring, shown: Sequence[View]) -> None:
    """Refuse an objective whose stream the backbone gives for no source."""
    wiring.eval()
    masks = [None if view.mask is None else view.mask[:2] for view in shown]
    seen = [wiring.backbone(view.image[:2], mask) for view, mask in zip(shown, masks, strict=True)]
    wiring.train()
    for name, objective in wiring.objectives.items():
        check_streams(name, objective, wiring.recipe.backbone.name, seen)
