"""Interchange: every backbone, clustering, loss and number of dims, or a sentence why not.

It walks the registries, toys included, so a new plugin is tried with all others without an edit.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import Parameter
from itertools import product
from typing import Any

import pytest
import torch

from pixvox_registry import BACKBONES, CLUSTERING, LOSSES
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.source_spec import build_source
from pixvox_zoo.border import parse
from pixvox_zoo.composition import Facts
from pixvox_zoo.feed import Feed
from pixvox_zoo.refit import refit
from pixvox_zoo.signals import names_of
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring

SIZE, BATCH = 32, 4
FEW = {"clusters": 3, "prototypes": 4, "levels": [2, 3]}  # as many as this batch can fill
CLUSTERED = {"scores", "assignments", "groups"}
EXTRAS: dict[str, dict[str, Any]] = {  # signal: what an objective adds to give it
    "queue": {"queue": 8},
    "prediction": {"decoder": {"name": "toy"}},
    "labels": {"labels": "class"},
}
OWN_VIEWS = {"position_contrast": ("volume_positions", "overlap")}  # loss: views, and their label
APART: dict[str, dict[str, Any]] = {  # two branches alike would hide a shift from a difference
    "masked_prediction": {"predictor": {"name": "linear", "settings": {"out": 8}}}
}
RESTING = (  # parts of backbones that such small and unmasked images give nothing to learn
    "backbone.token",  # stands for hidden slices
    "relative_position_bias_table",  # a window of one patch attends to itself, whatever the bias
)
Composed = tuple[str, str | None, str, int]  # backbone, clustering, loss, dims


def compositions(backbones: list[str]) -> Iterator[Composed]:
    return product(backbones, [None, *CLUSTERING], LOSSES, (2, 3))


def feed_of(dims: int) -> Feed:
    cases = build_source(f"phantoms:shapes_{dims}d,count=12").cases("train").resized(SIZE)
    return Feed(cases, Intensity.of(cases), batch=BATCH, seed=0)


def needs_of(loss: str) -> set[str]:
    """Signals without which the loss cannot be called."""
    forward = names_of(LOSSES.build(loss))
    return {name for name, p in forward.items() if p.default is Parameter.empty}


def wire(composed: Composed, feed: Feed, **extras: Any) -> Wiring:
    backbone, clustering, loss, dims = composed
    objective = {"projector": {"name": "mlp", "settings": {"hidden": [], "out": 8}}, **extras}
    if clustering:
        known = CLUSTERING.names_of_settings(clustering)
        few = {name: count for name, count in FEW.items() if name in known}
        objective |= {"clustering": {"name": clustering, "settings": few}, "refit": "epoch"}
    raw = {
        "views": {"name": OWN_VIEWS.get(loss, ("two_crops", ""))[0]},
        "backbone": {"name": backbone},
        "optimizer": {"name": "adam", "lr": 0.01},  # whose steps do not shrink with the slope
        "objectives": {"o": {**objective, "loss": {"name": loss}}},
    }
    facts = Facts(
        dims=dims,
        in_channels=1,
        image_size=SIZE,
        width=0.125,
        num_classes=int(feed.labels["class"].max()) + 1,
        rows={"pooled": len(feed.cases)},
    )
    wiring = Wiring(parse("interchange", raw), facts)
    wiring.begin_stage(wiring.recipe.stages[0])
    return wiring


def try_out(composed: Composed, feed: Feed) -> bool:
    """Does it train? If not, it is refused by name: first what lacks extras, then what misfits."""
    backbone, clustering, loss, dims = composed
    needs = needs_of(loss)
    extras = [signal for signal in EXTRAS if signal in needs]
    if getattr(BACKBONES.get(backbone), "only_dims", dims) != dims:
        expect_refusal(composed, feed, (f"backbone {backbone!r}", f"{dims}D"))
        return False
    if extras:
        expect_refusal(composed, feed, (f"loss {loss!r} needs", "objective 'o' has no"))
    given = {key: part for signal in extras for key, part in EXTRAS[signal].items()}
    given |= APART.get(loss, {})
    if loss in OWN_VIEWS:
        given["labels"] = OWN_VIEWS[loss][1]
    if clustering is None and needs & CLUSTERED:
        expect_refusal(composed, feed, (f"loss {loss!r} needs", "no clustering head"), **given)
        return False
    take_steps(wire(composed, feed, **given), feed, needs)
    return True


def expect_refusal(composed: Composed, feed: Feed, words: tuple[str, ...], **extras: Any) -> None:
    with pytest.raises(UserError) as refusal:
        wire(composed, feed, **extras)
    for word in words:
        assert word in str(refusal.value), composed


def take_steps(wiring: Wiring, feed: Feed, needs: set[str]) -> None:
    """From the first refit to the moved parameters, as the loop does it.

    Two steps: behind a branch that starts at zero nothing moves in the first.
    """
    refit(wiring, "epoch", feed, 0)
    wiring.fill_queues((feed.at(s), feed.draws_at(s)) for s in range(feed.steps_per_epoch))
    before = {name: p.detach().clone() for name, p in wiring.named_parameters()}
    stepper = Stepper(wiring)
    for step in range(2):
        loss = wiring(feed.at(step), feed.draws_at(step))
        stepper.optimizer.zero_grad()
        loss.backward()
        norm = stepper.update(step, 0.0)
        assert loss.isfinite() and norm.isfinite()
        stepper.optimizer.step()
        wiring.after_step()
    idle = {"clustering": not needs & {"scores"}, "decoder": "prediction" not in needs}
    for name, parameter in wiring.named_parameters():
        role = name.split(".")[1].rpartition("/")[2]
        if idle.get(role, False):
            assert parameter.grad is None or not parameter.grad.any(), name
        else:
            stayed = torch.allclose(parameter, before[name], rtol=0, atol=1e-6)
            assert not stayed or name.endswith(RESTING), name
        assert parameter.isfinite().all(), name


def walk(backbones: list[str], dims: tuple[int, ...] = (2, 3)) -> tuple[int, int]:
    """How many train, and how many are refused."""
    feeds = {number: feed_of(number) for number in dims}
    tried = [c for c in compositions(backbones) if c[3] in dims]
    trained, failed = 0, []
    for composed in tried:
        try:
            trained += try_out(composed, feeds[composed[3]])
        except Exception as error:
            failed.append(f"{composed}: {type(error).__name__}: {error}")
    assert not failed, "\n".join(failed)
    return trained, len(tried) - trained


@pytest.mark.parametrize("dims", [2, 3])
def test_parts_are_interchangeable_around_the_smallest_backbone(dims: int) -> None:
    trained, refused = walk(["toy"], (dims,))
    assert trained > refused > 0


@pytest.mark.slow
@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_all_parts_are_interchangeable(backbone: str, capsys: pytest.CaptureFixture[str]) -> None:
    trained, refused = walk([backbone])
    with capsys.disabled():
        print(f"\n{backbone}: {trained} compositions train, {refused} are refused")
    assert trained and refused
