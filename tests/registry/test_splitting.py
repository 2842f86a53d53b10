"""Splits made by us: the same from every machine, without copies, of each class its share."""

from __future__ import annotations

import json

import pytest
import torch
import torch.nn.functional as F

from pixvox_registry import SOURCES
from pixvox_registry.places import data_root
from pixvox_registry.source_spec import build_source
from pixvox_registry.sources.isic2017 import SPLITS
from pixvox_registry.splitting import near_duplicates, split

SHARES = {"train": 0.6, "val": 0.15, "test": 0.25}


def smooth(count: int, seed: int = 0) -> torch.Tensor:
    noise = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(noise, size=(64, 64), mode="bicubic").clamp(0, 1) * 255


def test_copies_are_found_after_scaling_brightness_and_noise() -> None:
    images = smooth(30)
    smaller = F.interpolate(images[4:5], size=(48, 48), mode="bilinear")
    smaller = F.interpolate(smaller, size=(64, 64), mode="bilinear")
    brighter = images[9:10] * 0.8 + 20
    noisy = images[2:3] + torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    every = torch.cat([images, smaller, brighter, noisy])
    assert sorted(near_duplicates(every)) == [(2, 32), (4, 30), (9, 31)]


def test_each_class_is_shared_alike_and_nobody_stands_in_two() -> None:
    classes = torch.tensor([0] * 60 + [1] * 20)
    ids = [f"case-{n}" for n in range(80)]
    made = split(ids, classes, SHARES, seed=3, leave_out=[0, 79])
    assert sorted(case for held in made.values() for case in held) == sorted(ids[1:79])
    for k, size in ((0, 59), (1, 19)):
        mine = {ids[n] for n in range(80) if classes[n] == k}
        counts = [len(mine & set(made[name])) for name in SHARES]
        assert counts[0] == pytest.approx(0.6 * size, abs=1) and sum(counts) == size
    assert split(ids, classes, SHARES, seed=3, leave_out=[0, 79]) == made
    assert split(ids, classes, SHARES, seed=4, leave_out=[0, 79]) != made


def test_the_committed_list_of_isic_is_what_the_rule_gives() -> None:
    if not (data_root() / "isic2017").is_dir():
        pytest.skip("PIXVOX_DATA has no isic2017")
    source = SOURCES.build("isic2017")
    cases = source.cases("all")
    copies = [other for _, other in near_duplicates(cases.images[:])]
    made = split(cases.ids, cases.labels["class"], SHARES, seed=0, leave_out=copies)
    assert json.loads(SPLITS.read_text()) == made
    assert len(copies) == 4 and sum(map(len, made.values())) == len(cases) - 4
    train = source.cases("train")
    assert train.ids == tuple(made["train"]) and train.images.shape[1:] == (3, 64, 64)
    assert build_source(source.name).name == source.name
