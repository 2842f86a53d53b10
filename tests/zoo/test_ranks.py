"""Two processes equal one: the same cases, the same draws, the same gradients."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

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
