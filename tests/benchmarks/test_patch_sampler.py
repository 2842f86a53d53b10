"""Patches: half of them around what is rare, moved a little, and the same from a seed."""

from __future__ import annotations

import pytest
import torch

from pixvox_benchmarks.patch_sampler import PatchSampler
from pixvox_registry.scans import Scan, Scans

from .bright_squares import SCALE, blobs


def test_half_of_the_patches_lie_around_a_label_and_each_label_is_drawn_alike() -> None:
    mask = torch.zeros(64, 64, dtype=torch.uint8)
    mask[:40, :40] = 1
    mask[60, 60] = 2  # one pixel
    scan = Scan(id="a", image=mask[None], mask=mask, spacing_mm=None)
    scans = Scans(read=[scan].__getitem__, ids=("a",), dims=2, in_channels=1)

    def with_rare(around: float) -> float:
        sampler = PatchSampler(
            scans,
            intensity=SCALE,
            patch=(8, 8),
            labels=3,
            flips=(),
            around=around,
            draws=torch.Generator().manual_seed(0),
        )
        return float((sampler.batch(400)[1] == 2).flatten(1).any(1).float().mean())

    assert with_rare(1.0) == pytest.approx(0.5, abs=0.08)
    assert with_rare(0.5) == pytest.approx(0.25, abs=0.08)
    assert with_rare(0.0) < 0.05


def test_patches_come_from_a_seed_and_images_keep_company_with_their_masks() -> None:
    scans = blobs(3, sides=(10, 30))  # one side is shorter than the patch

    def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        sampler = PatchSampler(
            scans,
            intensity=SCALE,
            patch=(16, 16),
            labels=2,
            flips=(0, 1),
            moved=0.0,
            draws=torch.Generator().manual_seed(seed),
        )
        return sampler.batch(20)

    images, masks = drawn(1)
    assert images.shape == (20, 1, 16, 16) and masks.shape == (20, 16, 16)
    assert torch.equal(images, drawn(1)[0]) and not torch.equal(images, drawn(2)[0])
    for image, mask in zip(images[:, 0], masks, strict=True):
        if mask.any():
            assert image[mask == 1].min() > image[mask == 0].max() - 0.2
        assert not mask[:3].any() and not mask[-3:].any()  # what was added is background


@pytest.mark.parametrize("sides", [(48, 24), (20, 32, 24)])
def test_a_ball_stays_a_ball_of_about_its_size_in_a_patch_of_any_sides(
    sides: tuple[int, ...],
) -> None:
    places = torch.stack(torch.meshgrid(*[torch.arange(side) for side in sides], indexing="ij"))
    middle = (torch.tensor(sides).view(-1, *[1] * len(sides)) - 1) / 2
    ball = ((places - middle).square().sum(0).sqrt() < 7).to(torch.uint8)
    scan = Scan(id="a", image=ball[None] * 200, mask=ball, spacing_mm=None)
    scans = Scans(read=[scan].__getitem__, ids=("a",), dims=len(sides), in_channels=1)
    sampler = PatchSampler(
        scans,
        intensity=SCALE,
        patch=sides,
        labels=2,
        flips=(),
        moved=1.0,
        draws=torch.Generator().manual_seed(0),
    )
    images, masks = sampler.batch(12)
    sizes = masks.flatten(1).sum(1) / ball.sum()
    limit = 1.15 ** len(sides) * 1.1
    assert len(set(sizes.tolist())) > 6 and 1 / limit < sizes.min() and sizes.max() < limit
    for image, mask in zip(images[:, 0], masks, strict=True):
        extents = [int(mask.any(dim=other).sum()) for other in _others(len(sides))]
        assert max(extents) - min(extents) <= 2
        assert ((image > 0.4) == mask.bool()).float().mean() > 0.97


def _others(dims: int) -> list[tuple[int, ...]]:
    return [tuple(other for other in range(dims) if other != axis) for axis in range(dims)]
