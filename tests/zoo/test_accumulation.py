"""Accumulation: N batches of B make the step of one batch of N * B, and stop and resume as well."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from pixvox_registry import VIEWS
from pixvox_registry.artifacts import digest
from pixvox_registry.budgets import budget
from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import RESUME_ME, UserError
from pixvox_registry.order import Order
from pixvox_registry.source_spec import build_source
from pixvox_zoo import pretraining as loop
from pixvox_zoo.border import parse
from pixvox_zoo.plan import plan
from pixvox_zoo.recipe import Recipe

HEAD = {"name": "toy", "settings": {"out": 6}}
AGREE = {"projector": {"name": "toy"}, "predictor": {"name": "toy"}, "loss": {"name": "toy_agree"}}
CLUSTERS = {
    "projector": {"name": "toy"},
    "clustering": {"name": "toy"},
    "refit": "epoch",
    "queue": 16,
    "loss": {"name": "toy_follow"},
}
MEANS = {  # losses that are means over cases, and the state that moves after a step
    "supervised": {"projector": HEAD, "labels": "class", "loss": {"name": "cross_entropy"}},
    "momentum_and_queue": {"projector": HEAD, "queue": 16, "loss": {"name": "info_nce"}},
    "centre": {
        "projector": HEAD,
        "clustering": {"name": "centering", "settings": {"prototypes": 4, "temperature": 0.2}},
        "loss": {"name": "swapped_prediction", "settings": {"temperature": 0.4}},
    },
}


class Twins:
    """Two views that nothing is drawn for, so that batches of any size see the same."""

    num_targets, provides = 2, ()

    def __init__(self, *, dims: int) -> None:
        self.dims = dims

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        return [View(images), View(images.flip(-1) / 2)]


@pytest.fixture(autouse=True)
def twins() -> Iterator[None]:
    with VIEWS.lend("twins", Twins):
        yield


def recipe_of(accumulate: int, **recipe: Any) -> Recipe:
    raw = {
        "views": {"name": "twins"},
        "backbone": {"name": "toy"},
        "momentum": {"start": 0.9, "end": 1.0},
        "objectives": {"agree": AGREE, "clusters": CLUSTERS},
        **recipe,
    }
    given = {"name": "sgd", "lr": 0.05, "weight_decay": 0.01, "warmup": 0.2}
    return parse("toy", {**raw, "optimizer": {**given, "accumulate": accumulate}})


def order_of(batch: int, seen: int = 96, dims: int = 2) -> Order:
    source = build_source(f"phantoms:shapes_{dims}d,count=40")
    small = replace(budget("tiny", dims), seen=seen, batch=batch, image_size=8)
    return Order(method="toy", source=source, split="train", budget=small, seed=0, flips=())


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("method", MEANS)
def test_batches_of_two_make_the_steps_of_one_batch_of_eight(
    method: str, dims: int, tmp_path: Path
) -> None:
    ends = []
    for accumulate, batch in ((4, 2), (1, 8)):
        recipe = recipe_of(accumulate, objectives={"o": MEANS[method]})
        out = tmp_path / str(accumulate)
        ends.append(loop.pretrain(recipe, order_of(batch, dims=dims), out, quiet=True))
    ours, theirs = (load_file(weights / "backbone.safetensors") for weights in ends)
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=1e-6, rtol=1e-6)
    logs = [(weights.parent / "log.jsonl").read_text().splitlines() for weights in ends]
    for mine, other in zip(*(map(json.loads, log) for log in logs), strict=True):
        for name in ("step", "seen", "epoch", "lr"):
            assert mine[name] == other[name]
        for name in ("loss", "loss/o", "embedding_std"):
            assert mine[name] == pytest.approx(other[name], rel=1e-4)


@pytest.mark.parametrize("stop", [1, 4, 7, 11])
@pytest.mark.parametrize("staged", [False, True])
def test_a_stopped_run_ends_with_the_same_bits_though_steps_cross_epochs(
    stop: int, staged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = [{"objectives": {"a": AGREE}}, {"objectives": {"c": CLUSTERS}, "epochs": 2}]
    recipe = recipe_of(2, views={"name": "toy"})
    if staged:
        given = {"name": "adamw", "accumulate": 2}
        raw = {"views": {"name": "toy"}, "backbone": {"name": "toy"}, "optimizer": given}
        recipe = parse("toy", {**raw, "stages": stages})
    order = order_of(8, seen=192)  # 12 steps of two batches, five batches to an epoch
    whole = loop.pretrain(recipe, order, tmp_path / "whole", quiet=True)
    advance, left = loop.advance, iter(range(stop - 1))

    def counted(*arguments: Any) -> Any:
        loss = advance(*arguments)
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGTERM)
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(loop, "advance", counted)
        with pytest.raises(SystemExit) as end:
            loop.pretrain(recipe, order, tmp_path / "cut", quiet=True)
    assert end.value.code == RESUME_ME
    cut = loop.pretrain(recipe, order, tmp_path / "cut", resume=True, quiet=True)
    ours, theirs = (digest(weights / "backbone.safetensors") for weights in (cut, whole))
    assert ours == theirs


def test_each_epoch_is_refitted_once_before_the_first_step_that_starts_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refitted = []
    refit = loop.refit

    def noted(wiring: Any, when: str, feed: Any, batch: int) -> None:
        refitted.append((when, batch))
        refit(wiring, when, feed, batch)

    monkeypatch.setattr(loop, "refit", noted)
    loop.pretrain(recipe_of(2), order_of(8, seen=192), tmp_path / "run", quiet=True)
    assert refitted[0] == ("stage", 0)
    assert refitted[1:] == [("epoch", batch) for batch in (0, 6, 10, 16, 20)]


def test_queue_and_bank_get_every_batch_of_a_step_and_momentum_follows_once() -> None:
    recipe, order = recipe_of(3, momentum=0.9), order_of(8)
    fabric = loop.Fabric(accelerator="cpu")
    feed, wiring = loop.prepare(recipe, order, fabric)
    (leg,) = plan(recipe, order.budget, feed.batch)
    wiring.fill_queues((feed.at(s), feed.draws_at(s)) for s in range(feed.steps_per_epoch))
    loop.refit(wiring, "epoch", feed, 0)
    bank = wiring.store("clusters", "bank")
    bank.filled[:] = False
    teacher = wiring.teacher["backbone"].body.weight.clone()
    loop.advance(wiring, feed, loop.Stepper(wiring), leg, 0, fabric)
    seen = torch.cat([feed.index_at(number) for number in range(3)])
    assert bank.filled.nonzero().flatten().tolist() == sorted(seen.tolist())
    _, in_queue = wiring.store("clusters", "queue").rows()
    assert sorted(in_queue.tolist()) == sorted(seen[-16:].tolist())
    assert wiring.part("clusters", "clustering").updates == 1
    moved = torch.lerp(teacher, wiring.backbone.body.weight, 0.1)
    torch.testing.assert_close(wiring.teacher["backbone"].body.weight, moved)


def test_the_budget_of_cases_is_kept() -> None:
    order = order_of(8)
    steps = [plan(recipe_of(n), order.budget, batch=8)[-1].end for n in (1, 2, 4, 5)]
    assert steps == [12, 6, 3, 3]


def test_not_a_number_names_the_cases_of_its_batch_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, named = loop.Feed.at, []

    def poisoned(feed: Any, number: int) -> Any:
        batch = at(feed, number)
        if number == 3:
            named.extend(feed.ids_at(number))
            batch.images[5, 0, 0, 0] = torch.nan
        return batch

    monkeypatch.setattr(loop.Feed, "at", poisoned)
    with pytest.raises(UserError, match="loss is not finite at step 1") as refusal:
        loop.pretrain(
            recipe_of(2, objectives={"agree": AGREE}), order_of(8), tmp_path / "run", quiet=True
        )
    assert f"(cases {', '.join(named[:8])})" in str(refusal.value)


@pytest.mark.parametrize("given", [0, -1, 2.0, True, "4", None])
def test_what_counts_no_batches_is_refused(given: Any) -> None:
    with pytest.raises(UserError, match=r"optimizer\.accumulate counts batches, 1 or more, not"):
        recipe_of(given)


def test_one_batch_a_step_is_the_recipe_it_always_was() -> None:
    raw = {"views": {"name": "toy"}, "backbone": {"name": "toy"}}
    plain = parse("toy", raw)
    one, two = (parse("toy", {**raw, "optimizer": {"accumulate": n}}) for n in (1, 2))
    assert "accumulate" not in plain.decisive()["optimizer"]
    assert plain.sha256 == one.sha256 != two.sha256
    assert two.decisive()["optimizer"]["accumulate"] == 2
