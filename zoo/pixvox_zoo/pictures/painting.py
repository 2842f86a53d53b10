"""What a decoder paints: of cases, and of points drawn from clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pixvox_registry.draws import generator
from pixvox_zoo.pictures.clusters import Grouped
from pixvox_zoo.pictures.sheet import flat, sheet
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


def draw_painted(images: Tensor, made: Tensor, file: Path) -> None:
    """Cases above, what was painted of them below, in the same greys."""
    images, made = images[:SHOWN].cpu(), made[:SHOWN].cpu()
    above = [flat(image) for image in images]
    below = [flat(paint, like=image) for paint, image in zip(made, images, strict=True)]
    sheet(
        above + below,
        file,
        title="cases, and what was painted of them",
        columns=len(above),
    )


def draw_samples(wiring: Wiring, name: str, found: Grouped, file: Path) -> None:
    """A row for each cluster, the largest first: points drawn from a normal distribution.

    Mean and deviation along each axis are those of the cluster's cases.
    """
    if "features" in names_of(wiring.part(name, "decoder")):
        return
    tiles = []
    stream = generator(wiring.seed, "samples")
    device = next(wiring.parameters()).device
    for cluster in found.largest():
        mine = found.z[found.cluster == cluster]
        noise = torch.randn(SHOWN, mine.shape[1], generator=stream)
        drawn = (mine.mean(0) + mine.std(0, correction=0) * noise).to(device)
        made = _paint(wiring, name, embedding=drawn, scores=_scores(wiring, name, drawn))
        tiles += [flat(image) for image in made.cpu()]
    sheet(tiles, file, title="samples, a row for each cluster", columns=SHOWN)


def _scores(wiring: Wiring, name: str, z: Tensor) -> Tensor | None:
    """``[N, E] -> [H, N, K]``, or None without a clustering."""
    clustering = wiring.part(name, "clustering")
    return None if clustering is None else clustering.scores(z[None]).flatten(1, 2)


def _paint(wiring: Wiring, name: str, **given: Any) -> Tensor:
    return call(wiring.part(name, "decoder"), Signals(**given)).float()
