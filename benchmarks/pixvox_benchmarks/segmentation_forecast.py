"""What outlining will take here: timed steps and windows of the real thing, then arithmetic."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from pixvox_benchmarks import segmenter
from pixvox_benchmarks.patch_sampler import PatchSampler
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.tuning import segmentation
from pixvox_registry.console import say
from pixvox_registry.contracts import Pretrained
from pixvox_registry.draws import generator
from pixvox_registry.intensity import Intensity
from pixvox_registry.measuring import Trial
from pixvox_registry.scans import Scan, Scans

LAPS = 3  # the first one is thrown away
SAMPLE = 8  # scans whose sides stand for those of all


def time_segmentation(
    task: SegmentationTask, pretrained: Pretrained, budget: str, *, frozen: bool
) -> float:
    """Seconds of training, of the looks at val and of outlining test; scoring not counted.

    Args:
        pretrained: a backbone of the kind that is to be measured; what it has learnt is no matter.
        frozen: only the decoder learns.

    Raises:
        UserError: the backbone does not fit the scans.
    """
    tuning = segmentation(budget, task.dims)
    train = some_of(task.scans("train"))
    trial = Trial(
        pretrained=pretrained,
        labels=task.labels,
        flips=task.flips,
        budget=budget,
        seed=0,
        tell=say,
    )
    segmenter.check_fit(trial, train)
    patch = segmenter.patch_of(train, pretrained.image_size, fixed=bool(pretrained.backbone.patch))
    intensity = pretrained.intensity.in_units_of(train)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = segmenter.assembled(trial, train, patch, frozen=frozen).to(device)
    sampler = PatchSampler(
        train,
        intensity=intensity,
        patch=patch,
        labels=task.labels,
        flips=task.flips,
        draws=generator(0, "forecast"),
    )
    step = time_step(net, sampler, tuning.batch)
    window = time_window(net, train, intensity, patch)
    outlined = tuning.looks * windows_of(task.scans("val"), patch)
    outlined += windows_of(task.scans("test"), patch)
    return tuning.steps * step + outlined * window


def time_step(net: segmenter.Segmenter, sampler: PatchSampler, batch: int) -> float:
    """Seconds of a training step, the drawing of its patches included."""
    lessons = segmenter.Lessons(net, rate=1e-6)
    laps = []
    for _ in range(LAPS):
        begun = time.perf_counter()
        lessons.learn(*sampler.batch(batch))
        laps.append(_since(begun))
    return min(laps[1:])


def time_window(net: nn.Module, train: Scans, intensity: Intensity, patch: Sequence[int]) -> float:
    """Seconds of one window, of a real scan cut to a few of them."""
    cut = replace(train, read=lambda row: _cut(train[row], patch)).chosen([0])
    count = windows(cut[0].mask.shape, patch)
    laps = []
    for _ in range(LAPS):
        begun = time.perf_counter()
        segmenter.outlined(net, cut, intensity, tuple(patch))
        laps.append(_since(begun) / count)
    return min(laps[1:])


def windows_of(scans: Scans, patch: Sequence[int]) -> float:
    """Of all scans, as far as some of them tell."""
    shown = some_of(scans)
    return len(scans) / len(shown) * sum(windows(scan.mask.shape, patch) for scan in shown)


def windows(shape: Sequence[int], patch: Sequence[int]) -> int:
    """How many patches that overlap by half cover an image.

    >>> windows((48, 30), (48, 48)), windows((49, 96), (48, 48))
    (1, 6)
    """
    strides = [max(1, int(side * (1 - segmenter.OVERLAP))) for side in patch]
    return math.prod(
        1 + math.ceil(max(0, side - size) / stride)
        for side, size, stride in zip(shape, patch, strides, strict=True)
    )


def some_of(scans: Scans) -> Scans:
    """A few, evenly from first to last."""
    count = min(SAMPLE, len(scans))
    return scans.chosen([place * len(scans) // count for place in range(count)])


def _cut(scan: Scan, patch: Sequence[int]) -> Scan:
    """Its first corner, at most two windows along each axis."""
    corner = tuple(slice(0, size + size // 2) for size in patch)
    return replace(scan, image=scan.image[:, *corner], mask=scan.mask[corner])


def _since(begun: float) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begun
