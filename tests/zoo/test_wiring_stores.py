"""What the wiring keeps: queues filled before the first step, banks refitted, cases known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pixvox_registry import BACKBONES, CLUSTERING
from pixvox_registry.contracts import Features
from pixvox_registry.draws import Draws
from pixvox_registry.intensity import Intensity
from pixvox_registry.source_spec import build_source
from pixvox_zoo import fitting
from pixvox_zoo.feed import Feed
from pixvox_zoo.refit import refit

from .toy_wiring import BANKED, HEAD, QUEUE, batch_of, same, state_of, take_step, wire


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


def feed_of() -> Feed:
    cases = build_source("phantoms:shapes_2d,count=20").cases("train").resized(8)
    return Feed(cases, Intensity.of(cases), batch=5, seed=0)


def test_a_queue_is_filled_before_the_first_step_and_keeps_the_newest() -> None:
    wiring = wire(objectives={"o": QUEUE})
    wiring.fill_queues((batch_of(), Draws(seed=0, step=s, batch=4)) for s in range(5))
    queue = wiring.stores["o/queue"]
    assert queue.is_full and int(queue.head) == 8
    take_step(wiring, step=7)
    newest = wiring.traces["o"].target
    torch.testing.assert_close(queue.z[:, :4], newest)


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
