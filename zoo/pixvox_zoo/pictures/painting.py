"""What a decoder paints: of cases, and of points drawn from clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pixvox_registry.cases import Cases
from pixvox_registry.contact_sheet import Strip, Window, draw_sheet, strips_of
from pixvox_registry.draws import generator
from pixvox_zoo.feed import Feed
from pixvox_zoo.pictures.clusters import Grouped
from pixvox_zoo.signals import Signals, call, names_of
from pixvox_zoo.wiring import Wiring

SHOWN = 9  # cases, or samples of a cluster
WINDOW = 7  # of SSIM, in pixels; its standard 11 says little of 28


def paints(wiring: Wiring, name: str) -> bool:
    """Can the decoder paint a whole clean case? One that needs a mask cannot."""
    decoder = wiring.part(name, "decoder")
    return decoder is not None and names_of(decoder).keys() <= {"features", "embedding", "scores"}


def painted(wiring: Wiring, name: str, images: Tensor) -> Tensor:
    """``[N, C, *S] -> [N, C, *S]``, both standardised."""
    pieces = []
    for piece in images.split(64):
        features = wiring.backbone(piece)
        projector = wiring.part(name, "projector")
        z = features.pooled if projector is None else projector(features.pooled)
        on_features = wiring.objectives[name].cluster_on == "features"
        scores = _scores(wiring, name, features.pooled if on_features else z)
        pieces.append(_paint(wiring, name, features=features, embedding=z, scores=scores))
    return torch.cat(pieces)


def similarity(images: Tensor, made: Tensor) -> dict[str, float]:
    """Mean squared error and SSIM (Wang et al., 2004), intensities brought to 0 to 1.

    0 and 1 are the least and the greatest intensity among the images; beyond them nothing counts.
    """
    from monai.metrics.regression import SSIMMetric

    low, high = images.min(), images.max()
    ours, theirs = (((x - low) / (high - low)).clamp(0, 1) for x in (made, images))
    dims = images.ndim - 2
    window = min(WINDOW, images.shape[-1])
    ssim = SSIMMetric(spatial_dims=dims, data_range=1.0, win_size=window, kernel_type="uniform")
    return {
        "mse": float((ours - theirs).square().mean()),
        "ssim": float(torch.as_tensor(ssim(ours, theirs)).mean()),
    }


def draw_painted(cases: Cases, made: Tensor, file: Path) -> None:
    """Cases, and what was painted of them, ``[N, C, *S]`` in stored units."""
    shown = cases.chosen(range(min(SHOWN, len(cases))))
    strips = strips_of(shown, views=[made[: len(shown)]])
    file.write_bytes(draw_sheet(strips, "cases, and what was painted of them"))


def draw_samples(wiring: Wiring, name: str, found: Grouped, feed: Feed, file: Path) -> None:
    """A line for each cluster, the largest first: points drawn from a normal distribution.

    Mean and deviation along each axis are those of the cluster's cases. Of a volume the middle
    slice is shown.
    """
    if "features" in names_of(wiring.part(name, "decoder")):
        return
    window = Window.of(feed.cases.images)
    strips = []
    stream = generator(wiring.seed, "samples")
    for cluster in found.largest():
        mine = found.z[found.cluster == cluster]
        noise = torch.randn(SHOWN, mine.shape[1], generator=stream)
        drawn = (mine.mean(0) + mine.std(0, correction=0) * noise).to(feed.device)
        made = _paint(wiring, name, embedding=drawn, scores=_scores(wiring, name, drawn))
        slices = [window.tiles(image) for image in feed.intensity.stored(made).cpu()]
        tiles = [of_one[len(of_one) // 2] for of_one in slices]
        strips.append(Strip(f"cluster {cluster}", f"{len(mine)} cases", tiles))
    file.write_bytes(draw_sheet(strips, "samples of each cluster"))


def _scores(wiring: Wiring, name: str, z: Tensor) -> Tensor | None:
    """``[N, E] -> [H, N, K]``, or None without a clustering."""
    clustering = wiring.part(name, "clustering")
    return None if clustering is None else clustering.scores(z[None]).flatten(1, 2)


def _paint(wiring: Wiring, name: str, **given: Any) -> Tensor:
    return call(wiring.part(name, "decoder"), Signals(**given)).float()
