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
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

import pixvox_zoo
from pixvox_registry import LOSSES, VIEWS
from pixvox_registry.artifacts import digest
from pixvox_registry.budgets import budget
from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import RESUME_ME, UserError
from pixvox_registry.order import Order
from pixvox_registry.source_spec import build_source
from pixvox_zoo import card, checkpoints
from pixvox_zoo import pretraining as loop
from pixvox_zoo.api import order_for
from pixvox_zoo.border import parse, read_recipe
from pixvox_zoo.devices import fabric_of
from pixvox_zoo.preparation import facts_of, feed_of
from pixvox_zoo.recipe import Recipe
from pixvox_zoo.wiring import Wiring

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


def cut_short(
    recipe: Recipe, out: Path, stop: int, monkeypatch: pytest.MonkeyPatch, dims: int = 2
) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, stop, lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(SystemExit) as end:
            loop.pretrain(recipe, order_of(dims), out, quiet=True)
    assert end.value.code == RESUME_ME


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
    cut_short(recipe, tmp_path / "cut", stop, monkeypatch, dims)
    cut = loop.pretrain(recipe, order_of(dims), tmp_path / "cut", resume=True, quiet=True)
    assert sha(cut) == sha(whole)
    log = (tmp_path / "cut/log.jsonl").read_text().splitlines()
    steps = [line["step"] for line in map(json.loads, log)]
    assert steps == sorted(set(steps)) and steps[-1] == 12


@pytest.mark.parametrize("trial", range(3))
def test_sigkill_at_a_random_moment(trial: int, tmp_path: Path) -> None:
    """The real command, the real backbone, a real kill."""
    check_sigkill(tmp_path, random.Random(trial))


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(8))
@pytest.mark.parametrize("name", ["simclr", "barlow_twins", "supervised"])
def test_sigkill_at_many_moments(name: str, trial: int, tmp_path: Path) -> None:
    check_sigkill(tmp_path, random.Random(trial), name)


def check_sigkill(tmp_path: Path, chance: random.Random, name: str = "simclr") -> None:
    settings = "--budget tiny --epochs 24 --batch 32 --width 0.25 --quiet"  # 48 steps
    command = [sys.executable, "-c", RUN, name, *settings.split()]
    command += ["--data", "phantoms:shapes_2d,count=64"]
    out = tmp_path / "killed"
    process = subprocess.Popen([*command, "--out", str(out)], stderr=subprocess.PIPE)
    far = f"step-{chance.randint(1, 24):09d}"
    while process.poll() is None and not newer(out / "checkpoints", far):
        time.sleep(0.01)
    time.sleep(chance.uniform(0.0, 0.1))
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was over before the kill"
    whole = [*command, "--out", str(tmp_path / "whole")]
    for again in (whole, [*command, "--out", str(out), "--resume"]):
        done = subprocess.run(again, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert sha(out / "weights") == sha(tmp_path / "whole/weights")


def newer(folder: Path, step: str) -> bool:
    return any(place.name >= step for place in folder.glob("step-*"))


RUN = """
import sys
from pixvox_zoo import pretraining
pretraining.pretrain.__kwdefaults__["checkpoint_seconds"] = 0.05
from pixvox_registry.__main__ import main
main(["pretrain", *sys.argv[1:]])
"""


def test_told_to_stop_while_it_ends_a_run_is_whole_and_nothing_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that makes several runs must not begin the next one."""
    finish = loop.finish

    def told(*arguments: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        finish(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "finish", told)
        with pytest.raises(SystemExit) as end:
            loop.pretrain(recipe_of(), order_of(), tmp_path / "run", quiet=True)
    assert end.value.code == RESUME_ME
    weights = loop.pretrain(recipe_of(), order_of(), tmp_path / "run", resume=True, quiet=True)
    assert sha(weights) == sha(loop.pretrain(recipe_of(), order_of(), tmp_path / "b", quiet=True))


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


def refused(tmp_path: Path, match: str, **recipe: Any) -> None:
    """Before anything is written, so that the corrected command is a fresh one."""
    with pytest.raises(UserError, match=match):
        loop.pretrain(recipe_of(**recipe), order_of(), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_misfit_of_any_stage_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    slices = {"agree": {**AGREE, "stream": "slices"}}
    refused(tmp_path, "works on 'slices'; backbone 'toy' gives none", objectives=slices)
    refused(tmp_path, "'adamww'. Did you mean 'adamw'", optimizer={"name": "adamww"})
    refused(
        tmp_path,
        "no setting 'beta'. Did you mean 'betas'",
        optimizer={"name": "adamw", "settings": {"beta": 1}},
    )
    refused(tmp_path, "freeze names 'nothing'", freeze={"nothing": None})
    raw = {"views": {"name": "toy"}, "backbone": {"name": "toy"}}
    late = parse("toy", {**raw, "stages": [*STAGES, {"objectives": slices}]})
    with pytest.raises(UserError, match="works on 'slices'"):
        loop.pretrain(late, order_of(), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


class Turned:
    """Views that know by how much they were turned."""

    num_targets, provides = 1, ("labels",)

    def __init__(self, *, dims: int) -> None:
        self.dims = dims

    def __call__(self, images: torch.Tensor, draws: Draws) -> list[View]:
        turn = draws.integers("turn", 4)
        turned = [x.rot90(int(k), (-2, -1)) for x, k in zip(images, turn, strict=True)]
        return [View(torch.stack(turned), labels={"rotation": turn})]


def test_labels_come_from_cases_or_from_views_and_else_are_refused(tmp_path: Path) -> None:
    def learns(label: str) -> dict[str, Any]:
        head = {"name": "toy", "settings": {"out": 4}}
        return {"turns": {"projector": head, "labels": label, "loss": {"name": "cross_entropy"}}}

    refused(tmp_path, "learns from the label 'sex'", objectives=learns("sex"))
    refused(tmp_path, "learns from the label 'rotation'", objectives=learns("rotation"))
    with VIEWS.lend("turned", Turned):
        recipe = recipe_of(objectives=learns("rotation"), views={"name": "turned"})
        assert loop.pretrain(recipe, order_of(), tmp_path / "run", quiet=True).exists()


@pytest.mark.parametrize(
    ("name", "given", "match"),
    [
        ("precision", "fp8", "There are: 32-true, bf16-mixed"),
        ("precision", "16-mixed", "There are: 32-true, bf16-mixed"),
        ("accelerator", "gpuu", "Did you mean 'gpu'"),
        ("devices", 0, "1 or more, not 0"),
    ],
)
def test_devices_that_do_not_exist_are_refused(
    name: str, given: Any, match: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=match):
        loop.pretrain(recipe_of(), order_of(), tmp_path / "run", **{name: given})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("epochs", [0, -5, float("nan")])
def test_epochs_that_no_run_can_have_are_called_epochs(epochs: float) -> None:
    with pytest.raises(UserError, match=f"epochs must be above 0, not {epochs}"):
        order_for("toy", "phantoms:shapes_2d,count=8", changes={"epochs": epochs})
    with pytest.raises(TypeError, match="'epoch'"):
        pixvox_zoo.pretrain("simclr", "phantoms:shapes_2d", "nowhere", epoch=5)  # type: ignore[call-arg]


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


@pytest.mark.parametrize("stop", [3, 7])
def test_a_run_that_thaws_under_sgd_resumes_with_the_same_bits(
    stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of(
        optimizer={"name": "sgd", "lr": 0.05, "weight_decay": 0.01},
        freeze={"backbone": {"until_step": 5}},
    )
    whole = loop.pretrain(recipe, order_of(), tmp_path / "whole", quiet=True)
    cut_short(recipe, tmp_path / "cut", stop, monkeypatch)
    cut = loop.pretrain(recipe, order_of(), tmp_path / "cut", resume=True, quiet=True)
    assert sha(cut) == sha(whole)


def test_a_resumed_run_tells_where_it_began_and_all_of_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_short(recipe_of(), tmp_path, 5, monkeypatch)
    assert json.loads((tmp_path / "provenance.json").read_text())["packages"]["torch"]
    newest = checkpoints.newest

    def much_later(folder: Path) -> Any:
        tensors, state = newest(folder) or ({}, {})
        return tensors, {**state, "wall_seconds": state["wall_seconds"] + 1000}

    monkeypatch.setattr(checkpoints, "newest", much_later)
    weights = loop.pretrain(recipe_of(), order_of(), tmp_path, resume=True, quiet=True)
    seconds = json.loads((weights / "card.json").read_text())["provenance"]["wall_seconds"]
    assert 1000 < seconds < 2000


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
