"""``finetune`` and ``from_scratch``: what is learnt, what is chosen, and what never moves."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from pixvox_benchmarks.cell import card_for
from pixvox_benchmarks.examination import examine
from pixvox_benchmarks.tuning import CLASSIFICATION, Supervision
from pixvox_registry import BACKBONES, MAKERS, PROTOCOLS, TASKS, UserError
from pixvox_registry.budgets import budget
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Pretrained
from pixvox_registry.intensity import Intensity
from pixvox_registry.measuring import Predictions, Trial
from pixvox_registry.order import Order

SCALE = Intensity((128.0,), (64.0,), (0.0, 255.0))


def bright_or_dark(count: int, seed: int = 0) -> Cases:
    """Noise around one of two greys: class 1 is the brighter one."""
    draws = torch.Generator().manual_seed(seed)
    target = torch.arange(count) % 2
    noise = torch.randint(0, 60, (count, 1, 16, 16), generator=draws)
    return Cases(
        images=(noise + 60 * target[:, None, None, None] + 40).to(torch.uint8),
        ids=tuple(f"{seed}/{row}" for row in range(count)),
        labels={"class": target},
    )


def backbone(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    built: nn.Module = BACKBONES.build("resnet", dims=2, in_channels=1, width=0.125)
    return built


@pytest.fixture(autouse=True)
def long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CLASSIFICATION, "tiny", Supervision(epochs=12, batch=16, fewest=1, looks=4))


def trial(
    fresh: Callable[[int], nn.Module] | None = backbone, seed: int = 0, labels: int = 2
) -> Trial:
    made = Pretrained(
        backbone=backbone(7), intensity=SCALE, image_size=16, sha256="0" * 64, card={}, fresh=fresh
    )
    return Trial(
        pretrained=made, labels=labels, flips=(), budget="tiny", seed=seed, tell=lambda _: None
    )


def answered(protocol: str, given: Trial, **settings: float) -> Predictions:
    splits = [bright_or_dark(count, seed) for seed, count in enumerate((64, 20, 24))]
    answer = PROTOCOLS.build(protocol, **settings)
    found: Predictions = answer(splits[0], splits[1], lambda: splits[2], given)
    return found


@pytest.mark.parametrize("protocol", ["finetune", "from_scratch"])
def test_what_can_be_learnt_is_learnt_and_repeats_bit_for_bit(protocol: str) -> None:
    first = answered(protocol, trial())
    torch.manual_seed(99)  # what others draw is nobody's business
    again = answered(protocol, trial())
    assert torch.equal(first.probability, again.probability)
    bright, dark = (first.probability[first.target == k, 1] for k in (1, 0))
    assert bright.min() > dark.max() and first.chosen["auc"] == 1
    assert not torch.equal(first.probability, answered(protocol, trial(seed=1)).probability)


def test_finetuning_begins_at_the_weights_and_leaves_them_alone() -> None:
    given = trial()
    before = copy.deepcopy(given.pretrained.backbone.state_dict())
    for protocol in ("finetune", "from_scratch"):
        answered(protocol, given)
    after = given.pretrained.backbone.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    with torch.no_grad():
        given.pretrained.backbone.get_parameter(next(iter(before))).zero_()
    assert not torch.equal(
        answered("finetune", given).probability, answered("finetune", trial()).probability
    )
    assert torch.equal(
        answered("from_scratch", given).probability, answered("from_scratch", trial()).probability
    )


def test_without_fresh_weights_there_is_nothing_to_begin_from() -> None:
    with pytest.raises(UserError, match=r"Pretrained\.fresh"):
        answered("from_scratch", trial(fresh=None))


def test_the_epoch_of_the_best_auc_on_val_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    wild = Supervision(epochs=6, fewest=1, looks=6, drops=(2.0,))
    monkeypatch.setitem(CLASSIFICATION, "tiny", wild)
    chosen = answered("finetune", trial(), rate=0.5).chosen
    looks = chosen["looks"]
    assert [look["epoch"] for look in looks] == [1, 2, 3, 4, 5, 6]
    assert chosen["auc"] == max(look["auc"] for look in looks)
    first = next(look for look in looks if look["auc"] == chosen["auc"])
    assert chosen["epoch"] == first["epoch"]


def test_a_class_that_val_lacks_leaves_the_choice_to_the_others() -> None:
    train, test = bright_or_dark(64), bright_or_dark(24, 2)
    three = replace(train, labels={"class": train.labels["class"].clone()})
    three.labels["class"][::4] = 2
    chosen = PROTOCOLS.build("finetune")(
        three, bright_or_dark(20, 1), lambda: test, trial(labels=3)
    )
    assert chosen.probability.shape == (24, 3) and chosen.chosen["auc"] > 0.5


def test_weights_that_were_drawn_afresh_were_shown_nothing() -> None:
    made = replace(trial().pretrained, card={"prints": "unknown", "collapsed": True})
    assert card_for("from_scratch@10%", made)["prints"] == "nothing"
    assert card_for("finetune@10%", made) is made.card


def test_few_labels_are_gone_through_more_often() -> None:
    small = CLASSIFICATION["small"]
    assert small.epochs_of(10_000) == small.epochs
    assert small.epochs_of(12) == small.fewest


def test_standard_is_the_protocol_of_medmnist() -> None:
    theirs = CLASSIFICATION["standard"]
    assert (theirs.epochs, theirs.batch, theirs.drops) == (100, 128, (0.5, 0.75))
    assert PROTOCOLS.build("from_scratch").rate == 1e-3


@pytest.mark.parametrize("name", ["phantom_shapes_2d", "phantom_shapes_3d"])
def test_weights_of_the_zoo_are_trained_in_2d_and_3d(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CLASSIFICATION, "tiny", Supervision(epochs=1, fewest=1, looks=1))
    task = TASKS.build(name)
    order = Order(
        method="random_init",
        source=task.source,
        split="train",
        budget=budget("tiny", task.dims),
        seed=0,
        flips=task.flips,
    )
    maker = MAKERS.build("recipe")
    pretrained = maker.load(maker.make(order, tmp_path / "run"))
    assert pretrained.fresh is not None
    drawn = [pretrained.fresh(seed).state_dict() for seed in (0, 0, 1)]
    one = next(key for key in drawn[0] if drawn[0][key].ndim > 1)
    assert torch.equal(drawn[0][one], drawn[1][one])
    assert not torch.equal(drawn[0][one], drawn[2][one])
    outcome = examine("from_scratch@10%", task, pretrained, "tiny", 0)
    assert outcome.openings == 1
    assert outcome.cases.ids == task.cases("test").ids
