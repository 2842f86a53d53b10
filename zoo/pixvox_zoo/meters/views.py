"""Meter ``views``: views of whole batches against lightly, kornia and MONAI, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

from pixvox_registry import METERS

if TYPE_CHECKING:
    from torch import Tensor

    from pixvox_registry.contracts import View

Way = Callable[[], Any]
TURNS = 10  # of each side
BATCHES = {2: ((256, 28),), 3: ((64, 28), (16, 48))}  # cases and their side in pixels


@METERS.register
def views(recipe: str | None, dims: int, seconds: float) -> list[dict[str, Any]]:
    """Cases a second that get their two views, ours over another library's.

    Each rival does what it is made for: the same operations, as often, from what its own pipeline
    starts with (lightly knows no gamma and no noise). Both sides run in turn, so that whatever
    else the machine does falls on both.
    """
    import torch

    ways = {2: {"lightly": lightly, "kornia": kornia}, 3: {"monai": monai}}[dims]
    rows = []
    for cases, size in BATCHES[dims]:
        images = torch.rand(cases, 1, *[size] * dims, generator=torch.Generator().manual_seed(0))
        ours = of_recipe(recipe or "simclr", images)
        for library, way in ways.items():
            row: dict[str, Any] = {
                "what": f"views_over_{library}_{size}px",
                "other": None,
                "ratio": None,
            }
            unit = f"cases/s (two views, {dims}D, batch {cases}, {torch.get_num_threads()} threads)"
            try:
                fast, slow = race(ours, way(images), seconds)
                row |= {"ours": cases / fast, "other": cases / slow, "ratio": slow / fast}
            except ModuleNotFoundError as missing:
                unit += f"; {missing.name} is not installed: pip install 'pixvox[speed]'"
                row |= {"ours": cases / _turn(ours, seconds)}
            rows.append({**row, "unit": unit})
    return rows


def race(ours: Way, other: Way, seconds: float) -> tuple[float, float]:
    """Seconds of one call of each: medians over turns of equal length, taken alternately."""
    import torch

    torch.empty(30 << 20, dtype=torch.uint8)  # as in training, malloc has seen big tensors go by
    turns = [(_turn(ours, seconds / TURNS), _turn(other, seconds / TURNS)) for _ in range(TURNS)]
    return statistics.median(turn[0] for turn in turns), statistics.median(
        turn[1] for turn in turns
    )


def of_recipe(name: str, images: Tensor) -> Callable[[], list[View]]:
    """The views of a recipe, each call a new step."""
    from pixvox_registry.draws import Draws
    from pixvox_zoo.border import read_recipe
    from pixvox_zoo.composition import Composition, Facts

    dims = images.ndim - 2
    facts = Facts(
        dims=dims,
        in_channels=images.shape[1],
        image_size=images.shape[-1],
        flips=tuple(range(dims)),
    )
    make, steps = Composition(read_recipe(name), facts).views, count()
    return lambda: make(images, Draws(0, next(steps), len(images)))


def lightly(images: Tensor) -> Way:
    """SimCLRTransform on PIL images, one after the other, collated as its own dataset is."""
    from pixvox_zoo.torchvision_mend import mend

    mend()
    import torch
    from lightly.transforms import SimCLRTransform
    from PIL import Image

    grey = {"mean": [0.5], "std": [0.25]}
    transform = SimCLRTransform(
        images.shape[-1], min_scale=0.2, vf_prob=0.5, gaussian_blur=0.2, normalize=grey
    )
    pictures = [Image.fromarray((image[0] * 255).byte().numpy()) for image in images]
    return lambda: [torch.stack(view) for view in zip(*map(transform, pictures), strict=True)]


def kornia(images: Tensor) -> Way:
    """The same operations as kornia batches them, once for each view."""
    from pixvox_zoo.torchvision_mend import mend

    mend()
    import kornia.augmentation as K
    import torch

    steps = torch.nn.Sequential(
        K.RandomResizedCrop(tuple(images.shape[2:]), scale=(0.2, 1.0)),
        K.RandomHorizontalFlip(p=0.5),
        K.RandomVerticalFlip(p=0.5),
        K.RandomBrightness((0.6, 1.4), p=0.8),
        K.RandomContrast((0.6, 1.4), p=0.8),
        K.RandomGamma((2 / 3, 1.5), p=0.2),
        K.RandomGaussianBlur((3, 3), (0.1, 1.0), p=0.2),
        K.RandomGaussianNoise(std=0.1, p=0.2),
    )
    return lambda: (steps(images), steps(images))


def monai(images: Tensor) -> Way:
    """The same operations on one volume after the other, as MONAI's datasets run them."""
    import monai.transforms as T
    import torch

    size = images.shape[-1]
    steps = T.Compose(
        [
            T.RandAffine(
                prob=1.0,
                translate_range=[0.2 * size] * 3,
                scale_range=[(-0.4, 0.0)] * 3,
                padding_mode="border",
            ),
            *[T.RandFlip(prob=0.5, spatial_axis=axis) for axis in range(3)],
            T.RandGaussianSmooth(prob=0.2, sigma_x=(0, 1), sigma_y=(0, 1), sigma_z=(0, 1)),
            T.RandScaleIntensity(0.4, prob=0.8),
            T.RandShiftIntensity(0.4, prob=0.8),
            T.RandAdjustContrast(prob=0.2, gamma=(2 / 3, 1.5)),
            T.RandGaussianNoise(prob=0.2, std=0.1),
        ]
    )
    return lambda: [torch.stack([steps(image) for image in images]) for _ in range(2)]


def _turn(way: Way, seconds: float) -> float:
    """Mean seconds of a call, after one that does not count."""
    way()
    calls, spent, begun = 0, 0.0, time.perf_counter()
    while calls == 0 or spent < seconds:
        way()
        calls, spent = calls + 1, time.perf_counter() - begun
    return spent / calls
