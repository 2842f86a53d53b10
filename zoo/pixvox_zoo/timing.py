"""Timing: what a pretraining will take here, from a few real steps."""

from __future__ import annotations

import time

import torch
from lightning_fabric import Fabric

from pixvox_registry.order import Order
from pixvox_zoo.devices import fabric_of
from pixvox_zoo.feed import Feed
from pixvox_zoo.plan import Leg, plan
from pixvox_zoo.preparation import prepare
from pixvox_zoo.pretraining import advance
from pixvox_zoo.recipe import Recipe
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring

STEPS = 3


def estimate_seconds(recipe: Recipe, order: Order) -> tuple[float, int]:
    """Seconds and bytes on disk of a whole run: three steps are timed, the first is thrown away."""
    fabric = fabric_of()
    feed, wiring = prepare(recipe, order, fabric)
    legs = plan(recipe, order.budget, feed.batch)
    weight_bytes = sum(t.numel() * t.element_size() for t in wiring.backbone.state_dict().values())
    seconds = 0.0
    for leg in legs:
        wiring.begin_stage(leg.stage)
        wiring.to(fabric.device).train()
        if leg.end > leg.start:
            seconds += (leg.end - leg.start) * _step_seconds(wiring, feed, leg, fabric)
    return seconds, weight_bytes


def _step_seconds(wiring: Wiring, feed: Feed, leg: Leg, fabric: Fabric) -> float:
    stepper = Stepper(wiring)
    laps = []
    for step in range(STEPS):
        begun = time.perf_counter()
        advance(wiring, feed, stepper, leg, leg.start + step, fabric)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        laps.append(time.perf_counter() - begun)
    return min(laps[1:])
