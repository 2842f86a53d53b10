"""Cluster-debiased contrast: groups of the auto-encoder's features decide the negatives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import pixvox_zoo
from pixvox_zoo.border import read_recipe
from pixvox_zoo.refit import refit
from pixvox_zoo.stepper import Stepper


@pytest.mark.parametrize("dims", [2, 3])
def test_the_second_stage_heeds_groups_of_the_first(dims: int, at_work: Any) -> None:
    wiring, feed = at_work(read_recipe("cluster_contrast"), dims)
    before = wiring.backbone.state_dict()["resnet.conv1.weight"].clone()
    assert set(wiring.objectives) == {"restore"}
    wiring.begin_stage(wiring.recipe.stages[1])
    assert torch.equal(wiring.backbone.state_dict()["resnet.conv1.weight"], before)  # it goes on
    refit(wiring, "stage", feed, 0)
    groups = wiring.part("contrast", "clustering").groups(torch.arange(len(feed.cases)))
    assert groups.shape == (2, len(feed.cases)) and bool((groups >= 0).all())
    assert len(groups[0].unique()) == 8 and len(groups[1].unique()) == 64
    Stepper(wiring)
    batch, draws = feed.at(0), feed.draws_at(0)
    ((_, signals),) = wiring._signals_of(batch, wiring.views(batch.images, draws))
    assert torch.equal(signals.groups, groups[:, batch.index])
    loss = wiring(batch, draws)
    loss.backward()
    plain = wiring.part("contrast", "loss")
    plain.negatives = "all"
    assert float(wiring(batch, draws).detach()) > float(loss.detach())  # more negatives


def test_both_stages_end_in_weights_and_pictures(tmp_path: Path) -> None:
    folder = pixvox_zoo.pretrain(
        "cluster_contrast",
        "phantoms:shapes_2d,count=160",
        tmp_path / "run",
        budget="tiny",
        epochs=4,
        batch=32,
        width=0.25,
        quiet=True,
    )
    assert pixvox_zoo.load(folder).card["plugins"]["clustering/agglomerative"]
    pictures = {file.name for file in (tmp_path / "run" / "pictures").iterdir()}
    assert {"contrast-dendrogram.png", "contrast-map.png"} <= pictures
    sheets = {name for name in pictures if name.startswith("contrast-cluster-")}
    assert len(sheets) == 8  # one for each of the coarse groups
