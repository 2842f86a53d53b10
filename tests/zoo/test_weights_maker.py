"""Weights from elsewhere are measured like those that a grid makes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import pixvox_zoo
from pixvox_registry import MAKERS, UserError
from pixvox_registry.budgets import budget
from pixvox_registry.order import Order
from pixvox_registry.source_spec import build_source


@pytest.fixture
def order(tmp_path: Path) -> Order:
    for seed in (0, 1):
        pixvox_zoo.pretrain(
            "random_init",
            "phantoms:shapes_2d,count=16",
            tmp_path / f"s{seed}",
            seed=seed,
            width=0.125,
            quiet=True,
        )
    return Order(
        method=str(tmp_path / "s{seed}" / "weights"),
        source=build_source("phantoms:texture_2d,count=16"),
        split="train",
        budget=budget("tiny", 2),
        seed=0,
        flips=(),
    )


def test_each_seed_has_its_own_folder_and_the_budget_decides_nothing(
    order: Order, tmp_path: Path
) -> None:
    maker = MAKERS.build("weights")
    maker.check(order)
    folders = [maker.make(replace(order, seed=seed), tmp_path / "unused") for seed in (0, 1)]
    assert [folder.parent.name for folder in folders] == ["s0", "s1"]
    loaded = maker.load(folders[0]).backbone
    assert loaded(torch.zeros(1, 1, 28, 28)).pooled.isfinite().all()
    same = maker.fingerprint(replace(order, budget=budget("small", 2)))
    assert same == maker.fingerprint(order) != maker.fingerprint(replace(order, seed=1))
    assert not (tmp_path / "unused").exists()


def test_weights_that_do_not_fit_are_refused(order: Order) -> None:
    maker = MAKERS.build("weights")
    with pytest.raises(UserError, match="is for 2D and 1 channels"):
        maker.check(replace(order, source=build_source("phantoms:shapes_3d,count=16")))
    with pytest.raises(UserError, match=r"no card.json"):
        maker.check(replace(order, seed=7))
