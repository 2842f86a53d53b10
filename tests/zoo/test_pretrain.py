"""Pretraining: the order of cases, the weights it leaves, its precision, and what it says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

import pixvox_zoo
from pixvox_registry import LOSSES
from pixvox_registry.budgets import budget
from pixvox_registry.errors import UserError
from pixvox_zoo import card
from pixvox_zoo import pretraining as loop
from pixvox_zoo.api import order_for
from pixvox_zoo.border import read_recipe
from pixvox_zoo.devices import fabric_of
from pixvox_zoo.preparation import facts_of, feed_of
from pixvox_zoo.wiring import Wiring

from .toy_run import AGREE, order_of, recipe_of, sha


def test_the_order_of_cases_is_a_function_of_seed_and_step() -> None:
    order = order_of()
    fabric = loop.Fabric(accelerator="cpu")
    feed, again = (loop.prepare(recipe_of(), order, fabric)[0] for _ in range(2))
    forward = [feed.ids_at(step) for step in range(20)]
    assert [again.ids_at(step) for step in reversed(range(20))][::-1] == forward
    epoch = [case for ids in forward[: feed.steps_per_epoch] for case in ids]
    assert len(set(epoch)) == len(epoch) == 40
    assert forward[0] != forward[feed.steps_per_epoch]


def test_weights_load_or_fail_loudly(tmp_path: Path) -> None:
    weights = loop.pretrain(recipe_of(), order_of(), tmp_path / "run", quiet=True)
    loaded = pixvox_zoo.load(weights)
    assert not loaded.backbone.training and loaded.card["data"]["dataset"]
    assert (tmp_path / "run/curves.png").stat().st_size > 1000
    logged = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    curves = loaded.card["curves"]
    assert curves["step"] == [line["step"] for line in logged] and len(logged) > 1
    assert curves["loss"] == [line["loss"] for line in logged]
    assert not (tmp_path / "run/checkpoints").exists()
    for name, change in (
        ("backbone.safetensors", lambda b: b[:-1] + bytes([b[-1] ^ 1])),
        ("card.json", lambda b: b.replace(b'"in_channels": 1', b'"in_channels": 2')),
        ("card.json", lambda b: b"{"),
        ("golden.safetensors", lambda b: b[:-1] + bytes([b[-1] ^ 1])),
    ):
        copy = tmp_path / "copy"
        shutil.copytree(weights, copy)
        (copy / name).write_bytes(change((copy / name).read_bytes()))
        with pytest.raises(UserError):
            pixvox_zoo.load(copy)
        shutil.rmtree(copy)


def test_a_batch_is_that_of_every_source() -> None:
    sources = ("phantoms:shapes_3d,count=8", ("phantoms:shapes_2d,count=8",))
    own = order_for("toy", sources[0], beside=sources[1], changes={"batch": None})
    told = order_for("toy", sources[0], beside=sources[1], changes={"batch": 4})
    assert own.beside[0].batch == budget("small", 2).batch != own.budget.batch
    assert told.budget.batch == told.beside[0].batch == 4


def test_random_init_takes_no_step(tmp_path: Path) -> None:
    order = replace(order_of(), budget=replace(budget("tiny", 2), width=0.25))
    recipe = read_recipe("random_init")
    loaded = pixvox_zoo.load(loop.pretrain(recipe, order, tmp_path, quiet=True)).backbone
    fresh = Wiring(recipe, facts_of(order, feed_of(order, fabric_of())), seed=0).backbone
    for name, tensor in fresh.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    assert (tmp_path / "log.jsonl").read_text() == ""


class Watching(nn.Module):
    """A loss that remembers in which precision it was asked."""

    seen: ClassVar[set[Any]] = set()

    def forward(self, online: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.seen.update((online.dtype, target.dtype, torch.is_autocast_enabled("cpu")))
        return (online[0] - target[1] / 2).square().mean()


def test_half_precision_trains_and_the_loss_sees_single(tmp_path: Path) -> None:
    watched = {"agree": {**AGREE, "loss": {"name": "watching"}}}
    with LOSSES.lend("watching", Watching):
        half, single = (
            loop.pretrain(
                recipe_of(objectives=watched),
                order_of(),
                tmp_path / precision,
                precision=precision,
                accelerator="cpu",
                quiet=True,
            )
            for precision in ("bf16-mixed", "32-true")
        )
    assert Watching.seen == {torch.float32, False}
    assert sha(half) != sha(single)
    ours, theirs = (pixvox_zoo.load(folder).backbone.state_dict() for folder in (half, single))
    for name, tensor in ours.items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, theirs[name], atol=0.05, rtol=0.05)


def test_a_collapse_is_said_even_where_quiet_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(card, "is_collapsed", lambda _: True)
    loop.pretrain(recipe_of(), order_of(), tmp_path / "run", quiet=True)
    assert "toy has collapsed" in capsys.readouterr().err


def test_the_function_stays_a_function_however_it_is_reached() -> None:
    """A module of the same name once took its place after the first use."""
    script = (
        "import pixvox_zoo.api, pixvox_zoo; from pixvox_zoo import pretrain\n"
        "assert pretrain is pixvox_zoo.pretrain is pixvox_zoo.pretrain and callable(pretrain)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
