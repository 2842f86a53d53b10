"""The wiring: what moves, when it moves, and what is refused before anything runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pixvox_registry.contracts import Batch
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_zoo.border import parse
from pixvox_zoo.composition import Facts
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring

HEAD = {"name": "toy", "settings": {"out": 6}}
AGREE = {"projector": HEAD, "loss": {"name": "toy_agree"}}
QUEUE = {"projector": HEAD, "queue": 8, "loss": {"name": "toy_contrast"}}
CLUSTERS = {"projector": HEAD, "clustering": {"name": "toy"}, "loss": {"name": "toy_follow"}}


def wire(dims: int = 2, views: dict[str, Any] | None = None, **recipe: Any) -> Wiring:
    raw = {
        "views": {"name": "toy", "settings": views or {}},
        "backbone": {"name": "toy"},
        "optimizer": {"name": "sgd", "lr": 0.1},
        **recipe,
    }
    facts = Facts(dims=dims, in_channels=1, image_size=8, rows={"pooled": 4, "tokens": 4 * 16})
    wiring = Wiring(parse("toy", raw), facts)
    wiring.begin_stage(wiring.recipe.stages[0])
    return wiring


def batch_of(dims: int = 2) -> Batch:
    images = torch.randn(4, 1, *[8] * dims, generator=torch.Generator().manual_seed(1))
    return Batch(images, torch.arange(4), labels={"class": torch.tensor([0, 1, 0, 1])})


def take_step(wiring: Wiring, step: int = 0, dims: int = 2) -> float:
    stepper = Stepper(wiring)
    loss = wiring(batch_of(dims), Draws(seed=0, step=step, batch=4))
    loss.backward()
    stepper.update(step, wiring.progress)
    stepper.optimizer.step()
    wiring.after_step()
    return loss.item()


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(
    "objective",
    [
        AGREE,
        {**AGREE, "predictor": HEAD, "target": "detached"},
        {**AGREE, "stream": "tokens"},
        {**AGREE, "stream": "maps", "pairs": "same"},
        CLUSTERS,
        {**CLUSTERS, "projector": None, "cluster_on": "features"},
        {"projector": HEAD, "decoder": {"name": "toy"}, "loss": {"name": "toy_restore"}},
    ],
)
@pytest.mark.parametrize("momentum", [None, 0.9])
def test_every_parameter_moves_and_copies_only_follow(
    objective: dict[str, Any], momentum: float | None, dims: int
) -> None:
    wiring = wire(dims, momentum=momentum, objectives={"o": objective})
    before = {name: tensor.clone() for name, tensor in wiring.named_parameters()}
    loss = take_step(wiring, dims=dims)
    assert loss == loss
    for name, tensor in wiring.named_parameters():
        if name.startswith("parts."):
            assert not torch.equal(tensor, before[name]), f"{name} stood still"
        elif "clustering" not in name:
            online = dict(wiring.named_parameters())[name.replace("teacher.", "parts.")]
            torch.testing.assert_close(tensor, before[name].lerp(online, 0.1))


def test_local_crops_are_online_only() -> None:
    wiring = wire(views={"local": 2}, objectives={"o": AGREE})
    seen: dict[str, Any] = {}
    loss = wiring.part("o", "loss")
    loss.register_forward_pre_hook(lambda m, a, k: seen.update(k), with_kwargs=True)
    wiring(batch_of(), Draws(seed=0, step=0, batch=4))
    assert seen["online"].shape == (4, 4, 6) and seen["target"].shape == (2, 4, 6)
    assert seen["pairs"] == [(g, v) for g in range(2) for v in range(4) if g != v]


def test_a_queue_is_filled_before_the_first_step_and_keeps_the_newest() -> None:
    wiring = wire(objectives={"o": QUEUE})
    wiring.fill_queues((batch_of(), Draws(seed=0, step=s, batch=4)) for s in range(5))
    queue = wiring.stores["o/queue"]
    assert queue.is_full and int(queue.head) == 8
    take_step(wiring, step=7)
    newest = wiring.traces["o"].target
    torch.testing.assert_close(queue.z[:, :4], newest)


def test_a_frozen_part_waits_and_then_moves() -> None:
    wiring = wire(objectives={"o": CLUSTERS}, freeze={"o.clustering": {"until_step": 2}})
    prototypes = wiring.part("o", "clustering").prototypes
    for step, moves in ((0, False), (1, False), (2, True)):
        before = prototypes.clone()
        take_step(wiring, step)
        assert torch.equal(before, prototypes) is not moves
    assert wiring.part("o", "clustering").updates == 3


def test_shared_parts_are_one_module() -> None:
    wiring = wire(objectives={"a": AGREE, "b": {**AGREE, "projector": "a.projector"}})
    assert wiring.part("a", "projector") is wiring.part("b", "projector")


def test_adding_an_objective_changes_no_other_initialisation() -> None:
    alone, both = wire(objectives={"a": AGREE}), wire(objectives={"b": CLUSTERS, "a": AGREE})
    for name, tensor in alone.state_dict().items():
        assert torch.equal(tensor, both.state_dict()[name])


def test_a_fresh_stage_starts_the_backbone_anew() -> None:
    wiring = wire(
        stages=[{"objectives": {"a": AGREE}}, {"objectives": {"a": AGREE}, "backbone": "fresh"}]
    )
    start = {name: tensor.clone() for name, tensor in wiring.backbone.state_dict().items()}
    take_step(wiring)
    assert not torch.equal(wiring.backbone.state_dict()["body.weight"], start["body.weight"])
    wiring.begin_stage(wiring.recipe.stages[1])
    assert torch.equal(wiring.backbone.state_dict()["body.weight"], start["body.weight"])


def test_schedules_move_settings() -> None:
    loss = {"name": "toy_contrast", "settings": {"temperature": {"start": 1.0, "end": 0.0}}}
    wiring = wire(objectives={"o": {**QUEUE, "loss": loss}})
    wiring.set_schedules(0.5)
    assert wiring.part("o", "loss").temperature == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (
            {"loss": {"name": "toy_follow"}},
            ["toy_follow", "scores", "'o'", "clustering head", "toy"],
        ),
        ({"loss": {"name": "toy_contrast"}}, ["toy_contrast", "queue"]),
        ({"loss": {"name": "toy_restore"}}, ["toy_restore", "prediction", "decoder"]),
        ({"loss": {"name": "toy_agre"}}, ["Did you mean 'toy_agree'"]),
        ({"loss": {"name": "toy_contrast", "settings": {"temprature": 1}}}, ["'temperature'"]),
        ({"projector": "x.projector"}, ["x.projector", "not built"]),
    ],
)
def test_misfits_are_refused_in_a_sentence(objective: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UserError) as refusal:
        wire(objectives={"o": objective})
    for word in words:
        assert word in str(refusal.value)
