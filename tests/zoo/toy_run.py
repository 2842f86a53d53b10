"""A recipe of toy parts, an order of twelve steps for it, and the digest of what they give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pixvox_registry.artifacts import digest
from pixvox_registry.budgets import budget
from pixvox_registry.order import Order
from pixvox_registry.source_spec import build_source
from pixvox_zoo.border import parse
from pixvox_zoo.recipe import Recipe

AGREE = {"projector": {"name": "toy"}, "predictor": {"name": "toy"}, "loss": {"name": "toy_agree"}}
CLUSTERS = {
    "projector": {"name": "toy"},
    "clustering": {"name": "toy"},
    "refit": "epoch",
    "queue": 16,
    "loss": {"name": "toy_follow"},
}
STAGES = [
    {"objectives": {"agree": AGREE}, "epochs": 1},
    {"objectives": {"clusters": CLUSTERS}, "epochs": 2},
]


def recipe_of(**recipe: Any) -> Recipe:
    raw = {
        "views": {"name": "toy", "settings": {"local": 1}},
        "backbone": {"name": "toy"},
        "momentum": {"start": 0.9, "end": 1.0},
        "optimizer": {"name": "adamw", "lr": 0.01, "weight_decay": 0.01, "warmup": 0.2},
        "objectives": {"agree": AGREE, "clusters": CLUSTERS},
        **recipe,
    }
    return parse("toy", raw)


def order_of(dims: int = 2, count: int = 40, seen: int = 96, seed: int = 0) -> Order:
    source = build_source(f"phantoms:shapes_{dims}d,count={count}")
    small = replace(budget("tiny", dims), seen=seen, batch=8, image_size=8)
    return Order(method="toy", source=source, split="train", budget=small, seed=seed, flips=(0, 1))


def sha(weights: Path) -> str:
    return digest(weights / "backbone.safetensors")
