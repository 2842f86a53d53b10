"""The joint recipes: what each task moves, what each stage leaves alone, and how slices fuse."""

from __future__ import annotations

import warnings
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

import pixvox_zoo
from pixvox_zoo.border import read_recipe
from pixvox_zoo.refit import refit
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring

JOINT = ("joint_swav", "joint_deepcluster")
SMALL = [
    "backbone.settings.features=16",
    "backbone.settings.fusion.settings={layers: 1, heads: 2, groups: 2, head_width: 8, hidden: 16}",
]


def moved_in(wiring: Wiring, feed: Any, stage: int) -> set[str]:
    """Paths of what two steps of a stage have moved."""
    wiring.begin_stage(wiring.recipe.stages[stage])
    before = {path: p.detach().clone() for path, p in wiring.parts.named_parameters()}
    stepper = Stepper(wiring)
    with warnings.catch_warnings():  # eight cases cannot fill the prototypes
        warnings.filterwarnings("ignore", message="sinkhorn_prototypes")
        refit(wiring, "epoch", feed, 0)
        wiring.fill_queues((feed.at(s), feed.draws_at(s).under("queue")) for s in count())
        for step in (100, 101):  # after what stands still at first
            stepper.optimizer.zero_grad()
            wiring(feed.at(step), feed.draws_at(step)).backward()
            stepper.update(step, 0.5)
            stepper.optimizer.step()
            wiring.after_step()
    return {path for path, p in wiring.parts.named_parameters() if not torch.equal(p, before[path])}


@pytest.mark.parametrize("name", JOINT)
def test_all_three_tasks_move_the_whole(name: str, at_work: Any) -> None:
    overrides = [*SMALL, "objectives.masked.predictor.settings.out=16"]
    wiring, feed = at_work(read_recipe(name, overrides), 3)
    moved = moved_in(wiring, feed, 0)
    assert set(wiring.losses) == {"intra", "inter", "masked"}
    assert moved == {path for path, _ in wiring.parts.named_parameters()}


@pytest.mark.parametrize("name", JOINT)
def test_each_stage_moves_its_own(name: str, at_work: Any) -> None:
    """The released code: slices first, then the fusion alone, then everything."""
    recipe = read_recipe(f"{name}_staged")
    wiring, feed = at_work(recipe, 3)
    first, second, third = (moved_in(wiring, feed, stage) for stage in range(3))
    of_fusion = {
        path
        for path, _ in wiring.parts.named_parameters()
        if path.startswith(("backbone.fusion.", "backbone.token"))
    }
    of_slices = {
        path for path, _ in wiring.parts.named_parameters() if path.startswith("backbone.slices.")
    }
    assert of_slices <= first and not first & of_fusion
    assert of_fusion <= second and not second & of_slices
    assert of_slices <= third and of_fusion - {"backbone.token"} <= third


@pytest.mark.parametrize("fusion", ["mean", "attention", "deformable_attention"])
def test_the_fusion_is_swapped_in_one_line(fusion: str, at_work: Any) -> None:
    swap = f"backbone.settings.fusion={{name: {fusion}}}"
    wiring, feed = at_work(read_recipe("joint_swav", [swap]), 3)
    assert moved_in(wiring, feed, 0)


@pytest.mark.parametrize("name", [*JOINT, *(f"{name}_staged" for name in JOINT)])
def test_images_and_volumes_make_one_run(name: str, tmp_path: Path) -> None:
    folder = pixvox_zoo.pretrain(
        name,
        "phantoms:shapes_3d,count=24",
        tmp_path / "run",
        beside=["phantoms:shapes_2d,count=128"],
        budget="tiny",
        epochs=9,
        batch=6,
        width=0.125,
        quiet=True,
        overrides=FEW[name],
    )
    loaded = pixvox_zoo.load(folder)
    assert loaded.backbone(torch.zeros(2, 1, 28, 28, 28)).pooled.shape == (2, 256)
    slices = pixvox_zoo.load(folder.parent / "weights_slices")
    assert slices.backbone(torch.zeros(2, 1, 28, 28)).pooled.shape == (2, 256)


FEW = {  # so that a few phantoms fill them
    "joint_swav": ["objectives.inter.queue=48"],
    "joint_deepcluster": [],
    "joint_swav_staged": [],
    "joint_deepcluster_staged": [],
}
