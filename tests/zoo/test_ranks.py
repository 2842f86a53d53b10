"""Two processes equal one: the same cases, the same draws, the same gradients."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pixvox_registry.errors import RESUME_ME
from pixvox_zoo import load

# Real heads and losses in double precision, on a backbone without BatchNorm, for three steps.
SCRIPT = """
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import nn

from pixvox_registry import BACKBONES
from pixvox_registry.contracts import Features
from pixvox_registry.intensity import Intensity
from pixvox_registry.source_spec import build_source
from pixvox_zoo.border import parse
from pixvox_zoo.composition import Facts
from pixvox_zoo.feed import Feed
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring


class Plain(nn.Module):
    patch = None

    def __init__(self, *, dims, in_channels):
        super().__init__()
        self.num_features, self.channels, self.strides = 8, (8,), (2,)
        self.body = (nn.Conv2d if dims == 2 else nn.Conv3d)(in_channels, 8, 3, stride=2)

    def forward(self, images, mask=None):
        last = self.body(images.double()).tanh()
        return Features(last.flatten(2).mean(-1), (last,))


def train(rank, ranks, loss, dims, folder):
    torch.set_num_threads(1)
    if ranks > 1:
        dist.init_process_group("gloo", f"file://{folder}/meet-{loss}", rank=rank, world_size=ranks)
    head = {"name": "mlp", "settings": {"hidden": [], "out": 8}}
    recipe = parse("r", {
        "views": {"name": "two_crops"}, "backbone": {"name": "plain"},
        "optimizer": {"name": "sgd", "lr": 0.5},
        "objectives": {"o": {"projector": head, "loss": {"name": loss}}},
    })
    source = build_source(f"phantoms:shapes_{dims}d,count=24")
    cases = source.cases("train").resized(12)
    feed = Feed(cases, Intensity.of(cases.images), batch=8, seed=0, rank=rank, ranks=ranks)
    with BACKBONES.lend("plain", Plain):
        wiring = Wiring(recipe, Facts(dims=dims, in_channels=1, image_size=12))
    wiring.begin_stage(recipe.stages[0])
    wiring.double()
    stepper = Stepper(wiring)
    for step in range(3):
        stepper.optimizer.zero_grad()
        wiring(feed.at(step), feed.draws_at(step)).backward()
        stepper.update(step, 0.0)
        stepper.optimizer.step()
        wiring.after_step()
    if rank == 0:
        save_file(wiring.state_dict(), f"{folder}/{loss}-{ranks}.safetensors")


if __name__ == "__main__":
    loss, dims, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    train(0, 1, loss, dims, folder)
    torch.multiprocessing.spawn(train, (2, loss, dims, folder), 2)
"""


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("loss", ["nt_xent", "barlow_twins"])
def test_two_processes_equal_one(loss: str, dims: int, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "train.py"), loss, str(dims), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    one, two = (load_file(tmp_path / f"{loss}-{ranks}.safetensors") for ranks in (1, 2))
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=1e-10, rtol=1e-10)


COMMAND = (
    "-m pixvox_registry pretrain simclr --data phantoms:shapes_2d,count=16 --budget tiny"
    " --epochs 10 --batch 8 --width 0.25 --devices 2 --accelerator cpu"
)  # 20 steps


def start(out: Path, *more: str) -> subprocess.Popen[str]:
    """The real command: rank 0, which starts rank 1 itself."""
    command = [sys.executable, *COMMAND.split(), "--out", str(out), *more]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> str:
    """What both ranks said; the pipe closes when both are gone."""
    return process.communicate(timeout=120)[1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ranks") / "whole"
    process = start(out)
    said = end(process)
    assert process.returncode == 0, said
    assert said.count("Done.") == 1
    return out


def steps(out: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]


def test_two_processes_make_one_run(whole: Path) -> None:
    assert steps(whole) == list(range(2, 21, 2))
    assert load(whole / "weights").card["processes"] == 2
    assert not (whole / "checkpoints").exists()


def test_two_processes_stop_as_one_and_resume(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "cut"
    process = start(out)
    while process.poll() is None and not (out / "log.jsonl").exists():
        time.sleep(0.01)
    process.terminate()
    said = end(process)
    assert process.returncode == RESUME_ME, said
    assert said.count("resume it") == 1
    assert any((out / "checkpoints").glob("step-*")) and not (out / "weights").exists()
    process = start(out, "--resume")
    assert end(process) and process.returncode == 0
    assert steps(out) == steps(whole)
    files = (load_file(folder / "weights/backbone.safetensors") for folder in (out, whole))
    for ours, theirs in zip(*(file.values() for file in files), strict=True):
        assert torch.equal(ours, theirs)


def test_two_processes_refuse_as_one(tmp_path: Path) -> None:
    process = start(tmp_path / "run", "--batch", "7")
    assert end(process).count("7 cases cannot be shared evenly by 2 processes") == 1
    assert process.returncode == 2 and not (tmp_path / "run").exists()
