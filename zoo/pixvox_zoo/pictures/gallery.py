"""What a finished run shows: its clusters, and what its decoders paint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from pixvox_registry.order import Order
from pixvox_zoo.feed import Feed
from pixvox_zoo.pictures.clusters import Grouped, draw_clusters, grouped, purities
from pixvox_zoo.pictures.dendrogram import draw_dendrogram
from pixvox_zoo.pictures.painting import draw_painted, draw_samples, painted, paints, similarity
from pixvox_zoo.recipe import Part
from pixvox_zoo.wiring import Wiring

JUDGED = 256  # painted cases that are compared with what they were painted of, at most


@torch.no_grad()
def draw_gallery(wiring: Wiring, feed: Feed, order: Order, out: Path) -> dict[str, Any]:
    """Pictures of the last stage below ``out``, and figures for the card, by objective."""
    was_training = wiring.training
    wiring.eval()
    figures: dict[str, Any] = {}
    for name, objective in wiring.objectives.items():
        if objective.stream != "pooled":
            continue
        found, shown = None, {}
        if isinstance(objective.clustering, Part) and wiring.refit_of(name) == "stage":
            found = grouped(wiring, name, feed.feeds[0])
            shown = show_clusters(wiring, name, found, feed.feeds[0], out)
        if paints(wiring, name):
            shown["painted"] = show_painted(wiring, name, feed.feeds[0], order, out)
            if found:
                draw_samples(wiring, name, found, feed.feeds[0], out / f"{name}-samples.png")
        if shown:
            figures[name] = shown
    wiring.train(was_training)
    return figures


def show_clusters(
    wiring: Wiring, name: str, found: Grouped, feed: Feed, out: Path
) -> dict[str, Any]:
    """The clusters that a method is for, fitted once to a whole bank: how many, and how pure."""
    out.mkdir(parents=True, exist_ok=True)
    draw_clusters(found, feed, out, name)
    draw_dendrogram(wiring.part(name, "clustering"), out / f"{name}-dendrogram.png")
    counts = [len(level.unique()) for level in found.levels]
    figures: dict[str, Any] = {"clusters": counts, "cases": len(found.rows)}
    if "class" in feed.labels:
        classes = feed.labels["class"].cpu()[found.rows]
        figures["purity"] = purities(found.levels, classes)
        figures["largest_class"] = float(classes.bincount().max() / len(classes))
    return figures


def show_painted(wiring: Wiring, name: str, feed: Feed, order: Order, out: Path) -> dict[str, Any]:
    """What a decoder makes of cases, judged on the split ``val`` where the source has one."""
    split = "val" if "val" in order.source.splits else order.split
    cases = order.source.cases(split)
    cases = cases.chosen(range(min(JUDGED, len(cases)))).resized(order.budget.image_size)
    images = feed.intensity.standardise(cases.images[:]).to(feed.device)
    made = painted(wiring, name, images)
    out.mkdir(parents=True, exist_ok=True)
    draw_painted(cases, feed.intensity.stored(made).cpu(), out / f"{name}-painted.png")
    return {"split": split, "cases": len(images), **similarity(images, made)}
