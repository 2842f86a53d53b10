"""Preparation: the cases, and a method that fits them, before anything is written."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import torch
from lightning_fabric import Fabric
from torch import Tensor

from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Batch, View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.order import Order
from pixvox_zoo.allocator import keep_memory
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
    cases = order.source.cases(order.split).resized(order.budget.image_size)
    feed = Feed(
        cases,
        Intensity.of(cases.images),
        batch=order.budget.batch,
        seed=order.seed,
        device=fabric.device,
        rank=fabric.global_rank,
        ranks=fabric.world_size,
    )
    facts = facts_of(order, cases)

    def built() -> Wiring:
        return Wiring(recipe, facts, seed=order.seed, synchronised=synchronised)

    rehearse(built(), feed, order.source.name, fabric)
    wiring = built()
    wiring.begin_stage(recipe.stages[0])
    wiring.to(fabric.device).train()
    return feed, wiring


def facts_of(order: Order, cases: Cases) -> Facts:
    """What the cases and the budget decide."""
    return Facts(
        dims=cases.dims,
        in_channels=cases.in_channels,
        image_size=order.budget.image_size,
        width=order.budget.width,
        stem=order.budget.stem,
        flips=order.flips,
        num_classes=int(cases.labels["class"].max()) + 1 if "class" in cases.labels else 0,
        rows={"pooled": len(cases)},
    )


@torch.no_grad()
def rehearse(wiring: Wiring, feed: Feed, source: str, fabric: Fabric) -> None:
    """Send a few cases through every stage, so that no misfit waits until files or hours are spent.

    The wiring is for this alone: its BatchNorms and its place in the stages have moved.
    """
    batch, draws = few(feed)
    views = wiring.views(batch.images, draws)
    check_labels(wiring.recipe, batch, views, source)
    for stage in wiring.recipe.stages:
        wiring.begin_stage(stage)
        wiring.to(fabric.device).train()
        check_every_stream(wiring, batch.images[:2])
        Stepper(wiring)
        # A clustering that is refitted has nothing to say before its first bank.
        if not any(wiring.refit_of(name) for name in stage.objectives):
            with warnings.catch_warnings():  # so few cases warn of what a batch does not
                warnings.simplefilter("ignore")
                wiring.fill_queues([(batch, draws)])
                with fabric.autocast():
                    wiring.loss_of(batch, views)


def few(feed: Feed) -> tuple[Batch, Draws]:
    """The first cases of this rank's first batch, with their random numbers."""
    batch, first = feed.at(0), feed.rows.start
    some = replace(
        batch,
        images=batch.images[:FEW],
        index=batch.index[:FEW],
        labels={name: label[:FEW] for name, label in batch.labels.items()},
    )
    rows = slice(first, first + len(some.images))
    return some, replace(feed.draws_at(0), rows=rows)


def check_labels(recipe: Recipe, batch: Batch, views: Sequence[View], source: str) -> None:
    """Refuse a recipe that learns from a label which neither cases nor views have."""
    of_views = {name for view in views for name in view.labels}
    missing = sorted(recipe.needs_labels - batch.labels.keys() - of_views)
    if missing:
        raise UserError(
            f"Recipe {recipe.name!r} learns from the label {missing[0]!r}; {source} has "
            f"{', '.join(batch.labels) or 'no labels'}. Take a recipe that needs none."
        )


def check_every_stream(wiring: Wiring, images: Tensor) -> None:
    """Refuse an objective whose stream the backbone does not give."""
    wiring.eval()
    seen = [wiring.backbone(images)]
    wiring.train()
    for name, objective in wiring.objectives.items():
        check_streams(name, objective, wiring.recipe.backbone.name, seen)
