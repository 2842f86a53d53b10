"""What a run is (its identity) and what its weights are (their card)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pixvox_registry import BACKBONES, HEADS, LOSSES, VIEWS
from pixvox_registry.contracts import Order
from pixvox_registry.provenance import provenance
from pixvox_zoo.feed import Feed
from pixvox_zoo.health import is_collapsed
from pixvox_zoo.recipe import Part, Recipe
from pixvox_zoo.weights import intensity_facts
from pixvox_zoo.wiring import Wiring


def identity_of(recipe: Recipe, order: Order) -> dict[str, Any]:
    """All that decides the weights: a run whose identity differs is another run."""
    return {
        "recipe": recipe.facts(),
        "recipe_sha256": recipe.sha256,
        "source": order.source.name,
        "source_sha256": order.source.facts().get("sha256"),
        "split": order.split,
        "budget": order.budget.facts(),
        "seed": order.seed,
        "flips": order.flips,
        "plugins": plugins_of(recipe),
    }


def plugins_of(recipe: Recipe) -> dict[str, str]:
    """Distribution and version of every plugin that a recipe names."""
    named: list[tuple[Any, Part]] = [(VIEWS, recipe.views), (BACKBONES, recipe.backbone)]
    for stage in recipe.stages:
        for objective in stage.objectives.values():
            for registry, part in (
                (HEADS, objective.projector),
                (HEADS, objective.predictor),
                (LOSSES, objective.loss),
            ):
                if isinstance(part, Part):
                    named.append((registry, part))
    found = {}
    for registry, part in named:
        origin = registry.origin(part.name)
        found[f"{registry.kind}/{part.name}"] = f"{origin.distribution} {origin.version}"
    return found


def card_of(
    recipe: Recipe,
    order: Order,
    wiring: Wiring,
    feed: Feed,
    health: Mapping[str, float],
    wall_seconds: float,
) -> dict[str, Any]:
    """The card of the weights, less what ``weights.save`` measures itself."""
    cases = feed.cases
    return {
        "name": f"{recipe.name}-{recipe.backbone.name}-{order.source.name}",
        "version": "0",
        "pixvox": version("pixvox"),
        "recipe": {
            "name": recipe.name,
            "title": recipe.title,
            "paper": recipe.paper,
            "family": recipe.family,
            "sha256": recipe.sha256,
        },
        "backbone": {"name": recipe.backbone.name, "settings": dict(recipe.backbone.settings)},
        "facts": {
            name: wiring.facts[name]
            for name in ("dims", "in_channels", "image_size", "width", "stem")
        },
        "image_size": order.budget.image_size,
        "intensity": intensity_facts(feed.intensity),
        "spacing_mm": list(cases.spacing_mm) if cases.spacing_mm else None,
        "data": {**order.source.facts(), "split": order.split, "cases": len(cases)},
        "budget": order.budget.facts(),
        "seed": order.seed,
        "plugins": plugins_of(recipe),
        "health": dict(health),
        "collapsed": recipe.epochs > 0 and is_collapsed(health),
        "provenance": provenance() | {"wall_seconds": round(wall_seconds, 3)},
    }
