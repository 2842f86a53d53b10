"""Pretraining: any stop, any time, the same bits; and never a silent fresh start."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import pixvox_zoo
from pixvox_registry.artifacts import digest
from pixvox_registry.budgets import budget
from pixvox_registry.contracts import Order
from pixvox_registry.errors import UserError
from pixvox_registry.source_spec import build_source
from pixvox_zoo import checkpoints
from pixvox_zoo import pretraining as loop
from pixvox_zoo.border import parse, read_recipe
from pixvox_zoo.recipe import Recipe

AGREE = {"projector": {"name": "toy"}, "predictor": {"name": "toy"}, "loss": {"name": "toy_agree"}}
CLUSTERS = {
    "projector": {"name": "toy"},
    "clustering": {"name": "toy"},
    "refit": "epoch",
    "queue": 16,
    "loss": {"name": "toy_follow"},
}


def recipe_of(**recipe: Any) -> Recipe:
    raw = {
        "views": {"name": "toy", "settings": {"local": 1}},
        "backbone": {"name": "toy"},
        "momentum": {"start": 0.9, "end": 1.0},
        "optimizer": {"name": "adamw", "lr": 0.01, "weight_decay": 0.01, "warmup": 0.2},
        "objectives": {"agree": AGREE, "clusters": CLUSTERS},
        **recipe,
    }
    return parse("toy", raw)


def order_of(dims: int = 2, count: int = 40, seen: int = 96, seed: int = 0) -> Order:
    source = build_source(f"phantoms:shapes_{dims}d,count={count}")
    small = replace(budget("tiny", dims), seen=seen, batch=8, image_size=8)
    return Order(method="toy", source=source, split="train", budget=small, seed=seed, flips=(0, 1))


def sha(weights: Path) -> str:
    return digest(weights / "backbone.safetensors")


def stop_after(monkeypatch: pytest.MonkeyPatch, steps: int, act: Callable[[], None]) -> None:
    """Let the loop take some steps, then act as an outside hand would."""
    advance, done = loop.advance, iter(range(steps - 1))

    def counted(*arguments: Any) -> Any:
        loss = advance(*arguments)
        if next(done, None) is None:
            act()
        return loss

    monkeypatch.setattr(loop, "advance", counted)


STAGES = [
    {"objectives": {"agree": AGREE}, "epochs": 1},
    {"objectives": {"clusters": CLUSTERS}, "epochs": 2},
]


@pytest.mark.parametrize("stop", [1, 4, 7, 11])
@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize("dims", [2, 3])
def test_a_stopped_run_ends_with_the_bits_of_an_uninterrupted_one(
    stop: int, staged: bool, dims: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if staged:
        recipe = parse(
            "toy", {"views": {"name": "toy"}, "backbone": {"name": "toy"}, "stages": STAGES}
        )
    else:
        recipe = recipe_of()
    whole = loop.pretrain(recipe, order_of(dims), tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        stop_after(patch, stop, lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(SystemExit) as end:
            loop.pretrain(recipe, order_of(dims), tmp_path / "cut", quiet=True)
    assert end.value.code == 75
    cut = loop.pretrain(recipe, order_of(dims), tmp_path / "cut", resume=True, quiet=True)
    assert sha(cut) == sha(whole)
    log = (tmp_path / "cut/log.jsonl").read_text().splitlines()
    steps = [line["step"] for line in map(json.loads, log)]
    assert steps == sorted(set(steps)) and steps[-1] == 12


@pytest.mark.parametrize("trial", range(3))
def test_sigkill_at_a_random_moment(trial: int, tmp_path: Path) -> None:
    """The real command, the real backbone, a real kill."""
    check_sigkill(tmp_path, random.Random(trial).uniform(0.0, 2.0))


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(8))
@pytest.mark.parametrize("name", ["simclr", "barlow_twins", "supervised"])
def test_sigkill_at_many_moments(name: str, trial: int, tmp_path: Path) -> None:
    check_sigkill(tmp_path, random.Random(trial).uniform(0.0, 4.0), name)


def check_sigkill(tmp_path: Path, delay: float, name: str = "simclr") -> None:
    settings = "--budget tiny --epochs 24 --batch 32 --width 0.25 --quiet"
    command = [sys.executable, "-c", RUN, name, *settings.split()]
    command += ["--data", "phantoms:shapes_2d,count=64"]
    out = tmp_path / "killed"
    process = subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.PIPE)
    while not any((out / "checkpoints").glob("step-*")) and process.poll() is None:
        time.sleep(0.01)
    time.sleep(delay)
    process.kill()
    process.communicate()
    whole = [*command, "--out", str(tmp_path / "whole")]
    for again in (whole, [*command, "--out", str(out), "--resume"]):
        done = subprocess.run(again, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert sha(out / "weights") == sha(tmp_path / "whole/weights")


RUN = """
import sys
from pixvox_zoo import pretraining
pretraining.pretrain.__kwdefaults__["checkpoint_seconds"] = 0.05
from pixvox_registry.__main__ import main
main(["pretrain", *sys.argv[1:]])
"""


def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, folder = recipe_of(), tmp_path / "run/checkpoints"
    whole = loop.pretrain(recipe, order_of(), tmp_path / "whole", quiet=True)
    with monkeypatch.context() as patch:
        stop_after(patch, 6, lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(SystemExit):
            loop.pretrain(recipe, order_of(), tmp_path / "run", checkpoint_seconds=0.0, quiet=True)
    newest = sorted(folder.glob("step-*"))[-1] / "tensors.safetensors"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    shutil.copytree(tmp_path / "run", tmp_path / "hopeless")
    resumed = loop.pretrain(recipe, order_of(), tmp_path / "run", resume=True, quiet=True)
    assert sha(resumed) == sha(whole)
    assert "another sha256" in capsys.readouterr().err
    for state in (tmp_path / "hopeless/checkpoints").glob("step-*/state.json"):
        state.write_text(state.read_text().replace('"step": ', '"step": 1'))
    with pytest.raises(UserError, match=r"No checkpoint in .* is valid"):
        loop.pretrain(recipe, order_of(), tmp_path / "hopeless", resume=True, quiet=True)


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    tensors = {"w": torch.arange(64.0), "n": torch.tensor(3)}
    checkpoints.save(tmp_path, 1, tensors, {"leg": 0, "numbers": {}})
    checkpoints.save(tmp_path, 2, tensors, {"leg": 0, "numbers": {}})
    pick = random.Random(0)
    files = [p for p in (tmp_path / "step-000000002").iterdir() if p.name != "manifest.json"]
    for _ in range(200):
        file = pick.choice(files)
        good = file.read_bytes()
        bad = bytearray(good)
        bad[pick.randrange(len(bad))] ^= 1 << pick.randrange(8)
        file.write_bytes(bad)
        found = checkpoints.newest(tmp_path)
        assert found is not None and found[1]["step"] == 1
        aside = tmp_path / "damaged-step-000000002"
        aside.rename(tmp_path / "step-000000002")
        file.write_bytes(good)


def test_not_a_number_stops_before_the_step_and_is_never_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = loop.Feed.at

    def poisoned(feed: Any, step: int) -> Any:
        batch = at(feed, step)
        if step == 3:
            batch.images[5, 0, 0, 0] = torch.nan
        return batch

    monkeypatch.setattr(loop.Feed, "at", poisoned)
    with pytest.raises(UserError, match=r"not finite at step 3 \(cases train/.*optimizer.lr"):
        loop.pretrain(recipe_of(), order_of(), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run/weights").exists()
    with pytest.raises(UserError, match="w holds NaN or Inf"):
        checkpoints.save(tmp_path / "c", 1, {"w": torch.tensor([torch.inf])}, {})
    assert not any((tmp_path / "c").glob("*"))


def test_a_full_disk_leaves_the_last_checkpoint_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(tmp_path, 1, {"w": torch.zeros(2)}, {"leg": 0, "numbers": {}})

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(UserError, match="No space left on device"):
        checkpoints.save(tmp_path, 2, {"w": torch.ones(2)}, {"leg": 0, "numbers": {}})
    assert [p.name for p in tmp_path.iterdir()] == ["step-000000001"]


def test_another_recipe_is_refused_with_its_difference_and_a_second_writer_too(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    loop.pretrain(recipe_of(), order_of(), out, quiet=True)
    with pytest.raises(UserError, match="--resume"):
        loop.pretrain(recipe_of(), order_of(), out, quiet=True)
    with pytest.raises(UserError, match=r"recipe.momentum.start: 0.9 -> 0.5"):
        changed = recipe_of(momentum={"start": 0.5, "end": 1.0})
        loop.pretrain(changed, order_of(), out, resume=True, quiet=True)
    shutil.rmtree(out)
    with loop.lock(out), pytest.raises(UserError, match=f"Process {os.getpid()} is writing"):
        loop.pretrain(recipe_of(), order_of(), out, quiet=True)


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


def test_a_label_or_a_stream_that_is_missing_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="works on 'slices'; backbone 'toy' gives none"):
        bad = recipe_of(objectives={"agree": {**AGREE, "stream": "slices"}})
        loop.pretrain(bad, order_of(), tmp_path / "a", quiet=True)
    with pytest.raises(UserError, match="learns from the label 'sex'"):
        bad = recipe_of(objectives={"agree": {**AGREE, "labels": "sex"}})
        loop.pretrain(bad, order_of(), tmp_path / "b", quiet=True)


def test_random_init_takes_no_step(tmp_path: Path) -> None:
    order = replace(order_of(), budget=replace(budget("tiny", 2), width=0.25))
    loaded = pixvox_zoo.load(loop.pretrain(read_recipe("random_init"), order, tmp_path, quiet=True))
    assert "embedding_std" not in loaded.card["health"]


def test_half_precision_trains_and_the_loss_sees_single(tmp_path: Path) -> None:
    recipe = recipe_of()
    half = loop.pretrain(
        recipe, order_of(), tmp_path / "half", precision="bf16-mixed", accelerator="cpu", quiet=True
    )
    single = loop.pretrain(recipe, order_of(), tmp_path / "single", accelerator="cpu", quiet=True)
    assert sha(half) != sha(single)
    ours, theirs = (pixvox_zoo.load(folder).backbone.state_dict() for folder in (half, single))
    for name, tensor in ours.items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, theirs[name], atol=0.05, rtol=0.05)


def test_the_function_stays_a_function_however_it_is_reached() -> None:
    """A module of the same name once took its place after the first use."""
    script = (
        "import pixvox_zoo.api, pixvox_zoo; from pixvox_zoo import pretrain\n"
        "assert pretrain is pixvox_zoo.pretrain is pixvox_zoo.pretrain and callable(pretrain)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
