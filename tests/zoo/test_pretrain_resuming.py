"""Resuming: any stop, any time, the same bits; and never a silent fresh start."""

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
from pathlib import Path
from typing import Any

import pytest
import torch

from pixvox_registry.errors import RESUME_ME, UserError
from pixvox_zoo import checkpoints
from pixvox_zoo import pretraining as loop
from pixvox_zoo.border import parse
from pixvox_zoo.recipe import Recipe

from .toy_run import STAGES, order_of, recipe_of, sha


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
