"""Toy parts, wired by a recipe of few words, and one step of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pixvox_registry.contracts import Batch
from pixvox_registry.draws import Draws
from pixvox_zoo.border import parse
from pixvox_zoo.composition import Facts
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring

HEAD = {"name": "toy", "settings": {"out": 6}}
AGREE = {"projector": HEAD, "loss": {"name": "toy_agree"}}
QUEUE = {"projector": HEAD, "queue": 8, "loss": {"name": "toy_contrast"}}
CLUSTERS = {"projector": HEAD, "clustering": {"name": "toy"}, "loss": {"name": "toy_follow"}}
BANKED = {**CLUSTERS, "refit": "epoch"}


def wire(dims: int = 2, views: dict[str, Any] | None = None, **recipe: Any) -> Wiring:
    raw = {
        "views": views if views and "name" in views else {"name": "toy", "settings": views or {}},
        "backbone": {"name": "toy"},
        "optimizer": {"name": "sgd", "lr": 0.1},
        **recipe,
    }
    facts = Facts(dims=dims, in_channels=1, image_size=8, rows={"pooled": 20})
    wiring = Wiring(parse("toy", raw), facts)
    wiring.begin_stage(wiring.recipe.stages[0])
    return wiring


def batch_of(dims: int = 2) -> Batch:
    images = torch.randn(4, 1, *[8] * dims, generator=torch.Generator().manual_seed(1))
    return Batch(images, torch.arange(4), labels={"class": torch.tensor([0, 1, 0, 1])})


def state_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def take_step(wiring: Wiring, step: int = 0, dims: int = 2) -> float:
    stepper = Stepper(wiring)
    wiring.zero_grad()
    loss = wiring(batch_of(dims), Draws(seed=0, step=step, batch=4))
    loss.backward()
    stepper.update(step, wiring.progress)
    stepper.optimizer.step()
    wiring.after_step()
    return loss.item()
