"""A contact sheet of each cluster, and a map of them all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pixvox_registry.contact_sheet import draw_sheet, strips_of
from pixvox_registry.draws import generator
from pixvox_zoo.feed import Feed
from pixvox_zoo.wiring import Wiring

CASES = 2_000  # that are looked at, at most
SHEETS, TILES = 20, 36  # largest clusters with a sheet, and cases on it


@dataclass(frozen=True)
class Grouped:
    """Some cases, where they lie and which clusters are theirs."""

    rows: Tensor  # [N] of the feed
    z: Tensor  # [N, E], what is clustered
    levels: Tensor  # [L, N], coarse to fine; -1 without a cluster

    @property
    def cluster(self) -> Tensor:
        """``[N]``: the coarsest level, which is what pictures show."""
        return self.levels[0]

    def largest(self) -> list[int]:
        """Clusters that have cases, the largest first."""
        counts = self.cluster[self.cluster >= 0].bincount()
        order: list[int] = counts.argsort(descending=True, stable=True).tolist()
        return [cluster for cluster in order if counts[cluster] > 0][:SHEETS]


def grouped(wiring: Wiring, name: str, feed: Feed) -> Grouped:
    """The clusters of an objective, from clean images."""
    objective = wiring.objectives[name]
    rows = torch.randperm(len(feed.cases), generator=generator(feed.seed, "pictures"))[:CASES]
    pieces = []
    for piece in rows.split(256):
        stored = feed.images[piece.to(feed.images.device)].to(feed.device)
        z = wiring.backbone(feed.intensity.standardise(stored)).pooled
        projector = wiring.part(name, "projector")
        if objective.cluster_on == "embedding" and projector is not None:
            z = projector(z)
        pieces.append(z.float())
    z = torch.cat(pieces)
    clustering = wiring.part(name, "clustering")
    groups = clustering.groups(rows.to(feed.device) + feed.offset)
    levels = clustering.scores(z[None])[0].argmax(-1) if groups is None else groups
    return Grouped(rows, z.cpu(), levels.cpu())


def purities(levels: Tensor, classes: Tensor) -> list[float]:
    """``[L, N], [N]``: of each level, the share of cases that are of their cluster's majority.

    It grows with the number of clusters, and is never less than the share of the largest class.
    """
    found = []
    for clusters in levels:
        counts = F.one_hot(clusters.clamp(min=0)).T @ F.one_hot(classes)  # [K, classes]
        found.append(float(counts.amax(1).sum() / len(classes)))
    return found


def draw_clusters(found: Grouped, feed: Feed, out: Path, name: str) -> None:
    """``NAME-cluster-07.png`` for each of the largest, most typical cases first, and a map."""
    unit = F.normalize(found.z, dim=-1)
    for cluster in found.largest():
        mine = (found.cluster == cluster).nonzero().flatten()
        typical = mine[(unit[mine] @ unit[mine].mean(0)).argsort(descending=True)][:TILES]
        cases = feed.cases.chosen(found.rows[typical].tolist())
        title = f"cluster {cluster}: {len(mine)} of {len(found.rows)} cases"
        picture = draw_sheet(strips_of(cases), title)
        (out / f"{name}-cluster-{cluster:02d}.png").write_bytes(picture)
    colours = {"by cluster": found.cluster}
    if "class" in feed.labels:
        colours["by class"] = feed.labels["class"].cpu()[found.rows]
    draw_map(found.z, colours, out / f"{name}-map.png")


def draw_map(z: Tensor, colours: dict[str, Tensor], file: Path) -> None:
    """``[N, E]`` in the plane of its two widest directions, once for each colouring ``[N]``."""
    from matplotlib.figure import Figure
    from sklearn.decomposition import PCA

    fit = PCA(2, svd_solver="full").fit(z.numpy())
    plane = fit.transform(z.numpy())
    figure = Figure(figsize=(4.2 * len(colours), 4.0), layout="constrained")
    for place, (title, values) in enumerate(colours.items(), start=1):
        axes = figure.add_subplot(1, len(colours), place)
        axes.scatter(plane[:, 0], plane[:, 1], c=values.numpy(), cmap="tab20", s=5, linewidths=0)
        axes.set_title(f"{title} ({len(values.unique())})", fontsize=9, loc="left")
        axes.set_xticks([])
        axes.set_yticks([])
    told = fit.explained_variance_ratio_.sum()
    figure.suptitle(f"PCA, {told:.0%} of the variance", fontsize=9, x=0.01, ha="left")
    figure.savefig(file, dpi=120)
