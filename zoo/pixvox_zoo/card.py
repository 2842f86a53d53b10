"""What a run is (its identity) and what its weights are (their card)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from pixvox_registry import (
    BACKBONES,
    CLUSTERING,
    DECODERS,
    HEADS,
    LOSSES,
    OPTIMIZERS,
    VIEWS,
    Registry,
)
from pixvox_registry.order import Beside, Order
from pixvox_registry.prints import Prints, joined
from pixvox_registry.provenance import provenance
from pixvox_zoo.feed import Feed
from pixvox_zoo.health import is_collapsed
from pixvox_zoo.recipe import Part, Recipe
from pixvox_zoo.slice_source import SliceSource
from pixvox_zoo.weights import intensity_facts
from pixvox_zoo.wiring import Wiring


def identity_of(
    recipe: Recipe, order: Order, *, precision: str, processes: int = 1
) -> dict[str, Any]:
    """All that decides the weights: a run whose identity differs is another run.

    Args:
        precision: of the arithmetic, ``32-true`` or ``bf16-mixed``.
        processes: that train together; each has its own BatchNorm.
    """
    return {
        "recipe": recipe.decisive(),
        "source": order.source.name,
        "source_sha256": order.source.facts().get("sha256"),
        "split": order.split,
        "budget": order.budget.facts(),
        "seed": order.seed,
        "flips": list(order.flips),
        "precision": precision,
        "processes": processes,
        "plugins": plugins_of(recipe),
        **({"beside": [_told(beside) for beside in order.beside]} if order.beside else {}),
    }


def _described(beside: Beside) -> dict[str, Any]:
    """A further source as it stands in cards."""
    facts = beside.source.facts()
    cases = len(beside.source.cases(beside.split))
    return {**_told(beside), **{k: facts.get(k) for k in ("dataset", "licence")}, "cases": cases}


def _told(beside: Beside) -> dict[str, Any]:
    """A further source as it stands in identities."""
    return {
        "source": beside.source.name,
        "source_sha256": beside.source.facts().get("sha256"),
        "split": beside.split,
        "batch": beside.batch,
        "flips": list(beside.flips),
    }


def prints_of(recipe: Recipe, order: Order) -> dict[int, Prints]:
    """Prints of every case that pretraining is shown, by dims; none where it takes no step.

    They are of the cases as stored, before any resizing; slices stand for their whole volumes.
    """
    if not recipe.epochs:
        return {}
    shown = [(order.source, order.split), *((each.source, each.split) for each in order.beside)]
    wholes = [
        (source.volumes if isinstance(source, SliceSource) else source, split)
        for source, split in shown
    ]
    return joined(Prints.of_cases(source.cases(split)) for source, split in wholes)


def plugins_of(recipe: Recipe) -> dict[str, str]:
    """Distribution, version and code of every plugin that a recipe names."""
    named: list[tuple[Registry[Any], str]] = [
        *((VIEWS, part.name) for part in recipe.views),
        (BACKBONES, recipe.backbone.name),
        *_parts_of(recipe.backbone),
        (OPTIMIZERS, recipe.optimizer.name),
    ]
    for stage in recipe.stages:
        for objective in stage.objectives.values():
            for registry, part in (
                (HEADS, objective.projector),
                (HEADS, objective.predictor),
                (CLUSTERING, objective.clustering),
                (DECODERS, objective.decoder),
                (LOSSES, objective.loss),
            ):
                if isinstance(part, Part):
                    named.append((registry, part.name))
    return {f"{registry.kind}/{name}": str(registry.origin(name)) for registry, name in named}


def _parts_of(backbone: Part) -> Iterator[tuple[Registry[Any], str]]:
    """What a backbone is made of, where that is plugins too: as said, or by default."""
    defaults = BACKBONES.names_of_settings(backbone.name)
    inside: Mapping[str, Registry[Any]] = getattr(BACKBONES.get(backbone.name), "parts", {})
    for setting, registry in inside.items():
        said = backbone.settings.get(setting, defaults[setting].default)
        yield registry, said["name"]


def card_of(
    recipe: Recipe,
    order: Order,
    wiring: Wiring,
    feed: Feed,
    health: Mapping[str, float],
    cost: Mapping[str, float],
    *,
    precision: str,
    processes: int = 1,
) -> dict[str, Any]:
    """The card of the weights, less what ``weights.save`` measures itself.

    Args:
        cost: seconds, speed and memory of the run; machines differ, so these are no identity.
    """
    cases = feed.cases
    data = order.source.facts()
    return {
        "name": re.sub(r"[^\w.]+", "-", f"{recipe.name}-{recipe.backbone.name}-{data['dataset']}"),
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
        "data": {**data, "split": order.split, "cases": len(cases)},
        **({"beside": [_described(beside) for beside in order.beside]} if order.beside else {}),
        "budget": order.budget.facts(),
        "seed": order.seed,
        "precision": precision,
        "processes": processes,
        "plugins": plugins_of(recipe),
        "health": dict(health),
        "collapsed": recipe.epochs > 0 and is_collapsed(health),
        "provenance": {**provenance(), **cost},
    }
