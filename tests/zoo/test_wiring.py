"""The wiring: what moves, when it moves, and what is refused before anything runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pixvox_registry import BACKBONES, CLUSTERING, LOSSES
from pixvox_registry.contracts import Batch, Features
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.source_spec import build_source
from pixvox_zoo import fitting
from pixvox_zoo.border import parse
from pixvox_zoo.composition import Facts
from pixvox_zoo.feed import Feed
from pixvox_zoo.refit import refit
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring

HEAD = {"name": "toy", "settings": {"out": 6}}
AGREE = {"projector": HEAD, "loss": {"name": "toy_agree"}}
QUEUE = {"projector": HEAD, "queue": 8, "loss": {"name": "toy_contrast"}}
CLUSTERS = {"projector": HEAD, "clustering": {"name": "toy"}, "loss": {"name": "toy_follow"}}
BANKED = {**CLUSTERS, "refit": "epoch"}


class Levels(nn.Module):
    """Two levels of groups, fitted by a draw; the fit is a buffer."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_clusters = 2
        self.register_buffer("fitted", torch.zeros(()))

    def scores(self, z: Tensor) -> Tensor:
        return z[None, ..., :2]

    def assign(self, z: Tensor, index: Tensor, queue: Tensor | None) -> Tensor:
        return self.scores(z).softmax(-1)

    def groups(self, index: Tensor) -> Tensor:
        return torch.stack([index % 2, index])

    def update(self, z: Tensor) -> None:
        pass

    def refit(self, bank: Tensor, filled: Tensor) -> None:
        self.fitted.copy_(torch.rand(()))


class Normed(nn.Module):
    """A backbone with BatchNorm that remembers in which mode it was asked."""

    patch = None

    def __init__(self, *, dims: int, in_channels: int) -> None:
        super().__init__()
        self.num_features, self.channels, self.strides = 4, (4,), (1,)
        self.body = nn.Conv2d(in_channels, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.modes: list[bool] = []

    def forward(self, images: Tensor, mask: Tensor | None = None) -> Features:
        self.modes.append(self.training)
        last = self.norm(self.body(images))
        return Features(last.flatten(2).mean(-1), (last,))


def wire(dims: int = 2, views: dict[str, Any] | None = None, **recipe: Any) -> Wiring:
    raw = {
        "views": views if views and "name" in views else {"name": "toy", "settings": views or {}},
        "backbone": {"name": "toy"},
        "optimizer": {"name": "sgd", "lr": 0.1},
        **recipe,
    }
    facts = Facts(dims=dims, in_channels=1, image_size=8, rows={"pooled": 20})
    wiring = Wiring(parse("toy", raw), facts)
    wiring.begin_stage(wiring.recipe.stages[0])
    return wiring


def batch_of(dims: int = 2) -> Batch:
    images = torch.randn(4, 1, *[8] * dims, generator=torch.Generator().manual_seed(1))
    return Batch(images, torch.arange(4), labels={"class": torch.tensor([0, 1, 0, 1])})


def feed_of() -> Feed:
    cases = build_source("phantoms:shapes_2d,count=20").cases("train").resized(8)
    return Feed(cases, Intensity.of(cases), batch=5, seed=0)


def state_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def take_step(wiring: Wiring, step: int = 0, dims: int = 2) -> float:
    stepper = Stepper(wiring)
    wiring.zero_grad()
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


def test_a_queue_with_two_levels_of_groups_goes_on_from_its_state() -> None:
    loss = {"negatives": "exclude_group", "positives": "view_and_group"}
    objective = {
        "projector": HEAD,
        "clustering": {"name": "levels"},
        "queue": 8,
        "loss": {"name": "nt_xent", "settings": loss},
    }
    with CLUSTERING.lend("levels", Levels):
        whole, cut = (wire(objectives={"o": objective}) for _ in range(2))
    seen: dict[str, Any] = {}
    whole.part("o", "loss").register_forward_pre_hook(
        lambda m, a, k: seen.update(k), with_kwargs=True
    )
    whole.fill_queues((batch_of(), Draws(seed=0, step=s, batch=4)) for s in range(5))
    take_step(whole, 0)
    assert seen["queue_groups"].tolist() == [[0, 1, 0, 1] * 2, [0, 1, 2, 3] * 2]
    fitting.fit(cut, state_of(whole), "the checkpoint")
    for step in (1, 2):
        assert take_step(whole, step) == take_step(cut, step)
    assert same(state_of(whole), state_of(cut))


def test_a_dense_queue_knows_the_case_of_every_token() -> None:
    with CLUSTERING.lend("levels", Levels):
        wiring = wire(
            objectives={
                "o": {
                    "stream": "tokens",
                    "clustering": {"name": "levels"},
                    "queue": 128,
                    "loss": {"name": "nt_xent", "settings": {"negatives": "exclude_group"}},
                }
            }
        )
    wiring.fill_queues((batch_of(), Draws(seed=0, step=s, batch=4)) for s in range(5))
    assert take_step(wiring) > 0
    cases = wiring.store("o", "queue").index
    assert torch.equal(cases, torch.arange(4).repeat_interleave(16).repeat(2))


@pytest.mark.parametrize("when", ["epoch", "stage"])
def test_a_refit_reaches_the_momentum_copy_and_is_a_function_of_its_step(when: str) -> None:
    objective = {"clustering": {"name": "levels"}, "refit": when, "loss": {"name": "toy_agree"}}
    feed = feed_of()
    fitted = []
    for seed, step in ((1, 0), (2, 0), (2, 1)):
        with CLUSTERING.lend("levels", Levels):
            wiring = wire(momentum=0.9, objectives={"o": objective})
        torch.manual_seed(seed)  # whatever the step before has left
        refit(wiring, when, feed, step)
        clustering, copy = (wiring.part("o", "clustering", momentum=m) for m in (False, True))
        assert clustering.fitted == copy.fitted != 0
        assert wiring.store("o", "bank").is_full  # also from the middle of an epoch
        fitted.append(float(clustering.fitted))
    assert fitted[0] == fitted[1] != fitted[2]


@pytest.mark.parametrize(("when", "mode"), [("epoch", True), ("stage", False)])
def test_filling_banks_and_queues_moves_no_statistic(when: str, mode: bool) -> None:
    objective = {**BANKED, "refit": when, "queue": 8}
    with BACKBONES.lend("normed", Normed):
        wiring = wire(momentum=0.9, backbone={"name": "normed"}, objectives={"o": objective})
    before = state_of(wiring.parts["backbone"]), state_of(wiring.teacher["backbone"])
    refit(wiring, when, feed_of(), 0)
    assert set(wiring.teacher["backbone"].modes) == {mode} and wiring.teacher.training
    wiring.fill_queues((batch_of(), Draws(seed=0, step=s, batch=4)) for s in range(5))
    assert same(state_of(wiring.parts["backbone"]), before[0])
    assert same(state_of(wiring.teacher["backbone"]), before[1])


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
