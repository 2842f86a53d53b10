"""What a finished run shows: its clusters, and what its decoders paint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from pixvox_registry.order import Order
from pixvox_zoo.feed import Feed
from pixvox_zoo.pictures.clusters import draw_clusters, grouped, purities
from pixvox_zoo.pictures.dendrogram import draw_dendrogram
from pixvox_zoo.pictures.painting import draw_painted, draw_samples, painted, paints, similarity
from pixvox_zoo.recipe import Part
from pixvox_zoo.wiring import Wiring


@torch.no_grad()
def draw_gallery(wiring: Wiring, feed: Feed, order: Order, out: Path) -> dict[str, Any]:
    """Pictures of the last stage below ``out``, and figures for the card, by objective.

    Clusters are drawn where they are what the method is for: fitted once, to a whole bank; of
    cases with a class their purity is told. What is painted is judged on the split ``val`` where
    the source has one.
    """
    was_training = wiring.training
    wiring.eval()
    first = feed.feeds[0]
    figures: dict[str, Any] = {}
    for name, objective in wiring.objectives.items():
        of_cases = objective.stream == "pooled"
        clusters = None
        if of_cases and isinstance(objective.clustering, Part) and wiring.refit_of(name) == "stage":
            clusters = grouped(wiring, name, first)
            draw_clusters(clusters, first, out, name)
            counts = [len(level.unique()) for level in clusters.levels]
            figures[name] = {"clusters": counts, "cases": len(clusters.rows)}
            if "class" in first.labels:
                classes = first.labels["class"].cpu()[clusters.rows]
                figures[name]["purity"] = purities(clusters.levels, classes)
                figures[name]["largest_class"] = float(classes.bincount().max() / len(classes))
            draw_dendrogram(wiring.part(name, "clustering"), out / f"{name}-dendrogram.png")
        if of_cases and paints(wiring, name):
            split = "val" if "val" in order.source.splits else order.split
            cases = order.source.cases(split).resized(order.budget.image_size)
            images = first.intensity.standardise(cases.images[:256]).to(first.device)
            made = painted(wiring, name, images)
            judged = {"split": split, "cases": len(images), **similarity(images, made)}
            figures[name] = {**figures.get(name, {}), "painted": judged}
            draw_painted(images, made, out / f"{name}-painted.png")
            if clusters:
                draw_samples(wiring, name, clusters, out / f"{name}-samples.png")
    wiring.train(was_training)
    return figures
