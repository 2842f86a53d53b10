"""Segmentation: any backbone's maps, every place of a scan, one look at test."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from pixvox_benchmarks.examination import examine
from pixvox_benchmarks.maps_decoder import LightDecoder, UNetDecoder
from pixvox_benchmarks.patch_sampler import PatchSampler
from pixvox_benchmarks.sealed import SealedTest
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.segmenter import mean_dice, outlined, patch_of, segment
from pixvox_benchmarks.structure_scores import compared
from pixvox_benchmarks.tuning import SEGMENTATION, Tuning
from pixvox_registry import BACKBONES, SOURCES, TASKS, UserError
from pixvox_registry.contracts import Pretrained
from pixvox_registry.measuring import Segmentation, Trial
from pixvox_registry.scans import Scans

from .bright_squares import SCALE, blobs


def unet(dims: int = 2, **settings: int) -> nn.Module:
    return BACKBONES.build("unet", dims=dims, in_channels=1, image_size=16, channels=8, **settings)


def trial_of(backbone: nn.Module, **facts: object) -> Trial:
    made = Pretrained(backbone=backbone, intensity=SCALE, image_size=16, sha256="0" * 64, card={})
    given = {"labels": 2, "flips": (), "budget": "tiny", "seed": 0, "tell": lambda _: None}
    return Trial(pretrained=made, **{**given, **facts})


@pytest.mark.parametrize("name", ["unet", "resnet", "vit", "swin"])
@pytest.mark.parametrize("dims", [2, 3])
def test_every_backbone_with_maps_is_decoded_to_the_image_s_own_size(name: str, dims: int) -> None:
    size = {"image_size": 32} if "image_size" in BACKBONES.names_of_settings(name) else {}
    backbone = BACKBONES.build(name, dims=dims, in_channels=1, width=0.25, **size)
    images = torch.randn(2, 1, *[32] * dims)
    maps = backbone(images).maps
    decoders = (
        UNetDecoder(
            dims=dims,
            in_channels=1,
            channels=backbone.channels,
            strides=backbone.strides,
            labels=3,
            side=32,
        ),
        LightDecoder(dims=dims, channels=backbone.channels, labels=3),
    )
    for decoder in decoders:
        painted = decoder(images, maps)
        assert painted.shape == (2, 3, *[32] * dims)
        painted.square().sum().backward(retain_graph=True)
        assert all(p.grad is not None for p in decoder.parameters())


@pytest.mark.parametrize("sides", [(20, 24), (14, 16, 20)])
def test_a_bright_object_is_learnt_and_test_is_opened_once(
    sides: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    dims = len(sides)
    monkeypatch.setitem(SEGMENTATION, ("tiny", dims), Tuning(steps=40, batch=4, rate=1e-2, looks=2))
    train, val, test = (blobs(6, sides, seed) for seed in range(3))
    sealed = SealedTest(lambda: test, opener="protocol", owner="blobs")
    backbone = unet(dims, stages=3)
    before = copy.deepcopy(backbone.state_dict())
    found = segment(train, val, sealed, trial_of(backbone), frozen=False)
    sealed.check_masks(found, 2)
    assert sealed.opened == 1
    assert mean_dice(list(found.masks), test, 2) > 0.9
    assert found.chosen["dice"] == max(look["dice"] for look in found.chosen["looks"])
    assert all(torch.equal(before[k], v) for k, v in backbone.state_dict().items())
    again = segment(train, val, lambda: test, trial_of(backbone), frozen=False)
    assert all(torch.equal(a, b) for a, b in zip(found.masks, again.masks, strict=True))


def test_a_frozen_backbone_learns_nothing_and_its_decoder_does() -> None:
    from pixvox_benchmarks import segmenter

    net = segmenter.assembled(trial_of(unet()), blobs(1), (16, 16), frozen=True)
    assert not net.train().backbone.training and net.decoder.training
    net(torch.randn(1, 1, 16, 16)).sum().backward()
    assert all(p.grad is None for p in net.backbone.parameters())
    assert all(p.grad is not None for p in net.decoder.parameters())


def test_windows_see_every_place_of_a_scan_and_an_equal_shape_comes_back() -> None:
    class Bright(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.level = nn.Parameter(torch.tensor(0.4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([self.level - x, x - self.level], 1)

    for sides in ((20, 24), (40, 9), (12, 30, 17)):
        scans = blobs(2, sides)
        masks = outlined(Bright(), scans, SCALE, (16,) * len(sides))
        for mask, scan in zip(masks, scans, strict=True):
            assert torch.equal(mask, scan.mask)


def test_what_lies_beyond_a_small_scan_looks_as_it_did_in_training() -> None:
    """The darkest value there is, not the mean."""
    seen: list[torch.Tensor] = []

    class Watching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.level = nn.Parameter(torch.zeros(()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x[0])
            return torch.cat([x, -x], 1)

    scans = blobs(1, (9, 11))
    outlined(Watching(), scans, SCALE, (16, 16))
    sampler = PatchSampler(
        scans,
        intensity=SCALE,
        patch=(16, 16),
        labels=2,
        flips=(),
        around=0.0,
        moved=0.0,
        draws=torch.Generator(),
    )
    assert torch.equal(seen[0], sampler.batch(1)[0][0])
    assert seen[0][0, 0, 0] == SCALE.standardise(scans[0].image[None]).min()


def test_the_running_mean_forgets_its_first_steps() -> None:
    from pixvox_benchmarks import segmenter

    steps = torch.linspace(0, 1, 40, dtype=torch.float64)
    (mean, seen), expected = (steps[:1].clone(), torch.tensor([0])), steps[0]
    for count, now in enumerate(steps[1:], 1):
        segmenter._draw_nearer([mean, seen], [now[None], torch.tensor([count])], count)
        share = min(0.99, (1 + count) / (10 + count))
        expected = share * expected + (1 - share) * now
    assert float(mean) == pytest.approx(float(expected)) and 0.5 < float(mean) < 1
    assert seen.tolist() == [39]  # what is counted is not averaged


def test_a_patch_is_no_larger_than_most_scans_unless_the_backbone_wants_it() -> None:
    assert patch_of(blobs(3, (20, 60)), 48, fixed=False) == (24, 48)
    assert patch_of(blobs(3, (20, 60)), 48, fixed=True) == (48, 48)


def test_structures_are_compared_one_by_one() -> None:
    scans = blobs(2)
    masks = (scans[0].mask, torch.zeros_like(scans[1].mask))
    columns = compared(masks, scans, ("dice", "hd95_mm"), 3)
    assert columns["dice"][0][0] == 1.0 and columns["dice"][1][0] == 0.0
    assert columns["hd95_mm"][1][0] == pytest.approx((20**2 + 24**2) ** 0.5)
    assert all(row[1] != row[1] for row in columns["dice"])  # label 2 is nowhere: NaN


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ((torch.zeros(20, 24, dtype=torch.uint8),), "No case may be left out"),
        ((torch.zeros(20, 23, dtype=torch.uint8),) * 2, "No case may be left out"),
        ((torch.full((20, 24), 2, dtype=torch.uint8),) * 2, "highest is 2"),
        ((torch.zeros(20, 24),) * 2, "uint8"),
    ],
)
def test_masks_that_are_none_are_refused(masks: tuple[torch.Tensor, ...], message: str) -> None:
    test = SealedTest(lambda: blobs(2), opener="protocol", owner="blobs")
    test()
    with pytest.raises(UserError, match=message):
        test.check_masks(Segmentation(masks, {}), 2)


def test_protocols_and_tasks_that_do_not_fit_say_which_do() -> None:
    made = trial_of(unet()).pretrained
    with pytest.raises(UserError, match="segmentation_finetune"):
        examine("knn_probe", TASKS.build("phantom_organs_2d"), made, "tiny", 0)
    with pytest.raises(UserError, match="linear_probe"):
        examine("segmentation_frozen", TASKS.build("phantom_shapes_2d"), made, "tiny", 0)


def test_a_backbone_without_maps_or_of_other_channels_is_refused() -> None:
    backbone = unet()
    trial = trial_of(backbone)
    colour = replace(trial.pretrained, intensity=replace(SCALE, mean=(0.0,) * 3, std=(1.0,) * 3))
    with pytest.raises(UserError, match="3 channels; these scans have 1"):
        segment(
            blobs(1), blobs(1), lambda: blobs(1), replace(trial, pretrained=colour), frozen=True
        )
    backbone.channels = []
    with pytest.raises(UserError, match="no maps"):
        segment(blobs(1), blobs(1), lambda: blobs(1), trial, frozen=True)


def test_a_case_in_two_splits_is_refused() -> None:
    class Twice:
        dims, name, splits = 2, "twice", ("train", "val", "test")

        def scans(self, split: str) -> Scans:
            return blobs(2)

        def facts(self) -> dict[str, str]:
            return {"sha256": ""}

    task = SegmentationTask(
        name="twice",
        source=Twice(),
        structures=("blob",),
        patch_size=16,
        licence="CC0-1.0",
        units="image",
        flips=(),
    )
    with pytest.raises(UserError, match="2 stand in two: 0/0, 0/1"):
        task.scans("train")


def test_a_label_that_names_no_structure_is_refused_before_anything_is_trained() -> None:
    task = replace(TASKS.build("phantom_organs_2d"), structures=("organ",))
    with pytest.raises(UserError, match=r"labels 1 to 1 .organ.; .* also has 2"):
        examine("segmentation_frozen", task, trial_of(unet()).pretrained, "tiny", 0)


def test_the_key_of_a_segmentation_task_follows_its_data() -> None:
    task = TASKS.build("phantom_organs_2d")
    other = replace(
        task, source=SOURCES.build("phantoms", "shapes_2d", count=128, image_size=32, seed=1)
    )
    assert (
        len({task.fingerprint(), other.fingerprint(), replace(task, flips=()).fingerprint()}) == 3
    )
