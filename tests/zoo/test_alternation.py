"""Images and volumes in one run: turns, global numbers, and what each batch can serve."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import pixvox_zoo
from pixvox_registry import VIEWS, UserError
from pixvox_registry.budgets import budget
from pixvox_registry.draws import Draws
from pixvox_registry.order import Beside, Order
from pixvox_registry.source_spec import build_source
from pixvox_zoo.border import parse
from pixvox_zoo.devices import fabric_of
from pixvox_zoo.preparation import facts_of, feed_of, prepare
from pixvox_zoo.pretraining import pretrain
from pixvox_zoo.recipe import Recipe
from pixvox_zoo.refit import refit

SIZE = 16


def part(name: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "settings": settings}


HEAD = part("mlp", hidden=[16], out=8)
BACKBONE = part("slice_fusion", features=16, fusion=part("deformable_attention", layers=1))
FOLLOW = part("swapped_prediction")


def recipe(**objectives: Any) -> Recipe:
    raw = {
        "views": [part("stack_crops"), part("slice_mask")],
        "backbone": BACKBONE,
        "objectives": objectives,
        "optimizer": {"name": "adamw", "lr": 1e-3},
    }
    return parse("joint", raw)


def joint() -> Recipe:
    return recipe(
        intra={
            "stream": "slices",
            "projector": HEAD,
            "clustering": part("kmeans_bank", clusters=4),
            "pairs": "all",
            "loss": FOLLOW,
        },
        inter={"clustering": part("sinkhorn_prototypes", prototypes=4), "loss": FOLLOW},
        masked={
            "stream": "tokens",
            "target_stream": "slices",
            "target": "detached",
            "pairs": "same",
            "predictor": part("linear", out=16),
            "loss": part("masked_prediction"),
        },
    )


def order(volumes: int = 12, images: int = 40, batch: int = 16) -> Order:
    return Order(
        method="joint",
        source=build_source(f"phantoms:shapes_3d,count={volumes}"),
        split="train",
        budget=replace(budget("tiny", 3), image_size=SIZE, batch=4, width=0.125, seen=60),
        seed=0,
        flips=(),
        beside=(
            Beside(
                source=build_source(f"phantoms:shapes_2d,count={images}"),
                split="train",
                batch=batch,
            ),
        ),
    )


def test_batches_take_turns_and_every_case_and_slice_has_one_number() -> None:
    feed = feed_of(order(), fabric_of(accelerator="cpu"))
    cases, slices, dims = [], [], []
    for step in range(feed.steps_per_epoch):
        batch = feed.at(step)
        assert batch.slice_index is not None
        dims.append(batch.images.ndim - 2)
        cases += batch.index.tolist()
        slices += batch.slice_index.flatten().tolist()
        assert len(feed.draws_at(step).uniform("x")) == len(batch.images)
    volumes, images = (len(each.cases) for each in feed.feeds)
    assert dims == [3, 2] * (feed.steps_per_epoch // 2)
    assert set(range(volumes)) <= set(cases) <= set(range(volumes + images))
    assert max(cases) >= volumes and max(slices) >= volumes * SIZE
    assert set(range(volumes * SIZE)) <= set(slices)
    assert len(set(slices)) == volumes * SIZE + len(set(cases)) - volumes


def test_an_epoch_sees_every_case_of_every_source() -> None:
    feed = feed_of(order(), fabric_of(accelerator="cpu"))
    seen = [case for batch in feed.epoch_of(0) for case in batch.index.tolist()]
    assert set(seen) == set(range(sum(len(each.cases) for each in feed.feeds)))


def test_each_batch_serves_what_its_streams_allow() -> None:
    feed, wiring = prepare(joint(), order(), fabric_of(accelerator="cpu"))
    refit(wiring, "epoch", feed, 0)
    served = []
    for step in range(2):
        wiring(feed.at(step), feed.draws_at(step)).backward()
        served.append(set(wiring.losses))
    assert served == [{"intra", "inter", "masked"}, {"intra"}]
    bank = wiring.store("intra", "bank")
    volumes, images = (len(each.cases) for each in feed.feeds)
    assert len(bank.filled) == volumes * SIZE + images
    assert bool(bank.filled[: volumes * SIZE].any()) and bool(bank.filled[volumes * SIZE :].any())
    still = [name for name, p in wiring.parts.named_parameters() if p.grad is None]
    assert not still


def test_a_joint_run_trains_and_its_weights_load(tmp_path: Path) -> None:
    weights = pretrain(joint(), order(), tmp_path / "run", quiet=True)
    loaded = pixvox_zoo.load(weights)
    assert loaded.card["beside"][0]["source"].startswith("phantoms:shapes_2d")
    assert {"fusion/deformable_attention", "backbone/resnet"} <= loaded.card["plugins"].keys()
    assert loaded.backbone(torch.zeros(2, 1, SIZE, SIZE, SIZE)).pooled.shape == (2, 16)
    images = pixvox_zoo.load(tmp_path / "run" / "weights_slices")
    assert images.card["backbone"]["name"] == "slice_encoder" and images.card["facts"]["dims"] == 2
    assert images.backbone(torch.zeros(2, 1, SIZE, SIZE)).pooled.shape == (2, 16)
    assert images.intensity != loaded.intensity
    for name, tensor in images.backbone.state_dict().items():
        assert torch.equal(loaded.backbone.state_dict()[f"slices.{name}"], tensor)
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert all(line["loss"] > 0 for line in lines)


def test_no_copy_of_a_source_is_made() -> None:
    feed = feed_of(order(), fabric_of(accelerator="cpu"))
    assert feed.images.data_ptr() == feed.feeds[0].images.data_ptr()
    assert feed.feeds[1].images.data_ptr() == feed.feeds[1].cases.images.data_ptr()


def test_an_objective_that_no_source_can_serve_is_refused() -> None:
    lost = recipe(o={"stream": "maps", "projector": HEAD, "loss": part("nt_xent")})
    with pytest.raises(UserError, match="works on 'maps'"):
        prepare(lost, order(), fabric_of(accelerator="cpu"))
    alone = replace(order(), source=order().beside[0].source, beside=())
    with pytest.raises(UserError, match="Name volumes first"):
        prepare(joint(), alone, fabric_of(accelerator="cpu"))


def test_slice_n_of_one_view_is_slice_n_of_the_other() -> None:
    """Each slice is flat and holds its number, so what a view shows says where it was cut."""
    numbers = torch.arange(24.0).view(1, 1, 24, 1, 1).expand(5, 1, 24, 24, 24)
    still = {"contrast": 0.0, "brightness": 0.0, "gamma": 0.0, "noise": 0.0, "blur": 0.0}
    views = VIEWS.build("stack_crops", dims=3, image_size=12, flips=(0, 1, 2), chances=still)
    one, two = views(numbers, Draws(seed=0, step=0, batch=5))
    inner = (..., slice(3, 9), slice(3, 9))
    torch.testing.assert_close(one.image[inner], two.image[inner], atol=1e-4, rtol=0)
    assert not torch.equal(one.frame[:, 1], two.frame[:, 1])
    with pytest.raises(UserError, match="take no rotation"):
        VIEWS.build("stack_crops", dims=3, image_size=12, rotation=10.0)


def test_views_mirror_along_what_every_source_of_their_dims_allows() -> None:
    base = order()
    upright = replace(base.beside[0], source=build_source("phantoms:shapes_3d,count=8"), batch=4)
    mirrored = replace(base.beside[0], flips=(1,))
    feed = feed_of(replace(base, flips=(0, 2), beside=(mirrored,)), fabric_of(accelerator="cpu"))
    facts = facts_of(replace(base, flips=(0, 2), beside=(mirrored,)), feed)
    assert facts.flips == (0, 2) and facts.beside == {2: (1,)}
    facts = facts_of(replace(base, flips=(0, 2), beside=(upright, mirrored)), feed)
    assert facts.flips == () and facts.beside == {2: (1,)}
