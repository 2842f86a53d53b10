"""The wiring: what moves, when it moves, and what is refused before anything runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pixvox_registry import LOSSES
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_zoo.stepper import Stepper

from .toy_wiring import (
    AGREE,
    BANKED,
    CLUSTERS,
    HEAD,
    QUEUE,
    batch_of,
    same,
    state_of,
    take_step,
    wire,
)


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


@pytest.mark.parametrize("momentum", [None, 0.9])
def test_a_fresh_backbone_is_fresh_in_both_branches(momentum: float | None) -> None:
    fresh = {"objectives": {"a": AGREE}, "backbone": "fresh"}
    wiring = wire(momentum=momentum, stages=[{"objectives": {"a": AGREE}}, fresh])
    start = state_of(wiring.backbone)
    take_step(wiring)
    assert not same(state_of(wiring.backbone), start)
    wiring.begin_stage(wiring.recipe.stages[1])
    assert same(state_of(wiring.backbone), start)
    if momentum is not None:
        assert same(state_of(wiring.teacher["backbone"]), start)


def test_a_stage_that_redefines_a_part_gets_new_copies_widths_and_stores() -> None:
    narrower = {"projector": {"name": "toy", "settings": {"out": 5}}, "queue": 12}
    stages = [
        {"objectives": {"o": {**CLUSTERS, "queue": 8}, "kept": AGREE}},
        {"objectives": {"o": {**CLUSTERS, **narrower}, "kept": AGREE}},
    ]
    wiring = wire(momentum=0.9, stages=stages)
    wiring.fill_queues((batch_of(), Draws(seed=0, step=s, batch=4)) for s in range(5))
    take_step(wiring)
    kept = state_of(wiring.teacher["kept/projector"])
    wiring.begin_stage(wiring.recipe.stages[1])
    assert same(state_of(wiring.teacher["o/projector"]), state_of(wiring.part("o", "projector")))
    assert same(state_of(wiring.teacher["kept/projector"]), kept)
    queue = wiring.store("o", "queue")
    assert queue.z.shape == (2, 12, 5) and not queue.filled.any()
    wiring.fill_queues((batch_of(), Draws(seed=0, step=s, batch=4)) for s in range(5))
    assert take_step(wiring) > 0 and queue.is_full  # the clustering has the new width too


def test_frames_are_those_of_the_online_views() -> None:
    class Placed(nn.Module):
        def forward(self, online: Tensor, frame: Tensor) -> Tensor:
            assert frame.shape == (*online.shape[:2], 2, 3)
            return online.square().mean()

    with LOSSES.lend("placed", Placed):
        objective = {"projector": HEAD, "loss": {"name": "placed"}}
        wiring = wire(views={"name": "two_crops"}, objectives={"o": objective})
        take_step(wiring)
        with pytest.raises(UserError, match="needs frame; objective 'o' has no views with frames"):
            wire(objectives={"o": objective})


def test_views_keep_32_bits_under_autocast() -> None:
    settings = {"rotation": 30.0, "chances": {"rotation": 1.0}}
    wiring = wire(views={"name": "two_crops", "settings": settings}, objectives={"o": AGREE})
    seen: list[Tensor] = []
    wiring.backbone.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    draws = Draws(seed=0, step=0, batch=4)
    wiring(batch_of(), draws)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        wiring(batch_of(), draws)
    assert torch.equal(*seen)


def test_schedules_move_settings() -> None:
    loss = {"name": "toy_contrast", "settings": {"temperature": {"start": 1.0, "end": 0.0}}}
    wiring = wire(objectives={"o": {**QUEUE, "loss": loss}})
    wiring.set_schedules(0.5)
    assert wiring.part("o", "loss").temperature == pytest.approx(0.5)


def test_schedules_move_views() -> None:
    settings = {"noise": {"start": 0.0, "end": 1.0}}
    wiring = wire(views={"name": "two_crops", "settings": settings}, objectives={"o": AGREE})
    assert wiring.views.noise == 0.0
    wiring.set_schedules(1.0)
    assert wiring.views.noise == 1.0


def test_weight_decay_may_start_at_zero_and_spares_vectors() -> None:
    optimizer = {"name": "sgd", "lr": 0.1, "weight_decay": {"start": 0.0, "end": 0.2}}
    stepper = Stepper(wire(objectives={"o": AGREE}, optimizer=optimizer))
    for progress, decay in ((0.0, 0.0), (0.5, 0.1), (1.0, 0.2)):
        stepper.set_schedules(progress)
        decays = [group["weight_decay"] for group in stepper.optimizer.param_groups]
        assert decays == pytest.approx([decay, 0.0])


@pytest.mark.parametrize("role", ["projector", "clustering"])
def test_a_schedule_that_would_move_nothing_is_refused(role: str) -> None:
    setting = {"projector": "out", "clustering": "prototypes"}[role]
    part = {"name": "toy", "settings": {setting: {"start": 4, "end": 8}}}
    with pytest.raises(UserError, match=f"'toy' reads '{setting}' once and holds no number"):
        wire(objectives={"o": {**CLUSTERS, role: part}})


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
        ({"loss": {"name": "toy_agree"}, "refit": "epoch"}, ["no clustering head", "toy"]),
        ({**BANKED, "stream": "tokens"}, ["'tokens'", "no bank", "pooled"]),
    ],
)
def test_misfits_are_refused_in_a_sentence(objective: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UserError) as refusal:
        wire(objectives={"o": objective})
    for word in words:
        assert word in str(refusal.value)


@pytest.mark.parametrize("loss", ["nt_xent", "barlow_twins", "toy_agree"])
def test_pairs_of_which_the_views_make_none_are_refused(loss: str) -> None:
    objective = {"projector": HEAD, "loss": {"name": loss}}
    with pytest.raises(UserError, match=f"'{loss}' compares pairs.*pairs: other, of which its 1"):
        wire(views={"name": "plain"}, objectives={"o": objective})
    assert wire(views={"name": "plain"}, objectives={"o": {**objective, "pairs": "same"}})
