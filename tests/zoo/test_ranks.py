"""Two processes equal one: the same cases, the same draws, the same gradients."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from pixvox_registry.errors import RESUME_ME
from pixvox_zoo import load

# Real heads and losses in double precision, on small backbones, for three steps.
SCRIPT = """
import json
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
from pixvox_zoo.backbones.vit import ViT
from pixvox_zoo.border import parse
from pixvox_zoo.composition import Facts
from pixvox_zoo.feed import Feed
from pixvox_zoo.refit import refit
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring


class Plain(nn.Module):
    patch = None

    def __init__(self, *, dims, in_channels, normed=False):
        super().__init__()
        self.num_features, self.channels, self.strides = 8, (8,), (2,)
        self.body = (nn.Conv2d if dims == 2 else nn.Conv3d)(in_channels, 8, 3, stride=2, padding=1)
        norm = nn.BatchNorm2d if dims == 2 else nn.BatchNorm3d
        self.norm = nn.Sequential(norm(8)) if normed else nn.Identity()

    def forward(self, images, mask=None):
        last = self.norm(self.body(images.double())).tanh()
        return Features(last.flatten(2).mean(-1), (last,))


class DoubleViT(ViT):
    def forward(self, images, mask=None):
        return super().forward(images.double(), mask)


def train(rank, ranks, folder):
    torch.set_num_threads(1)
    if ranks > 1:
        dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=ranks)
    for case, raw in json.loads(Path(folder, "cases.json").read_text()).items():
        for dims in (2, 3):
            state = state_after(raw, dims, rank, ranks)
            if rank == 0:
                save_file(state, f"{folder}/{case}-{dims}-{ranks}.safetensors")


def state_after(raw, dims, rank, ranks):
    recipe = parse("r", {
        "views": {"name": "two_crops"}, "backbone": {"name": "plain"},
        "optimizer": {"name": "sgd", "lr": 0.1}, **raw,
    })
    cases = build_source(f"phantoms:shapes_{dims}d,count=24").cases("train").resized(12)
    feed = Feed(cases, Intensity.of(cases), batch=8, seed=0, rank=rank, ranks=ranks)
    facts = Facts(dims=dims, in_channels=1, image_size=12, rows={"pooled": len(cases)})
    with BACKBONES.lend("plain", Plain), BACKBONES.lend("double_vit", DoubleViT):
        wiring = Wiring(recipe, facts, synchronised=True)
    wiring.begin_stage(recipe.stages[0])
    wiring.double()
    stepper = Stepper(wiring)
    refit(wiring, "epoch", feed, 0)
    wiring.fill_queues((feed.at(s), feed.draws_at(s)) for s in range(feed.steps_per_epoch))
    for step in range(feed.steps_per_epoch):
        stepper.optimizer.zero_grad()
        wiring(feed.at(step), feed.draws_at(step)).backward()
        stepper.update(step, 0.0)
        stepper.optimizer.step()
        wiring.after_step()
    refit(wiring, "epoch", feed, feed.steps_per_epoch)
    return wiring.state_dict()


if __name__ == "__main__":
    train(0, 1, sys.argv[1])
    torch.multiprocessing.spawn(train, (2, sys.argv[1]), 2)
"""

HEAD = {"name": "mlp", "settings": {"hidden": [], "out": 8}}


def part(name: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "settings": settings}


def objective(loss: str, more: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    return {"objectives": {"o": {"projector": HEAD, "loss": part(loss), **rest}}, **(more or {})}


def clustered(name: str, settings: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return objective("swapped_prediction", clustering=part(name, **settings), **rest)


SINKHORN = {"prototypes": 4}
CASES = {
    **{loss: objective(loss) for loss in ("nt_xent", "dcl", "barlow_twins", "vicreg", "info_nce")},
    "simsiam": objective("negative_cosine", target="detached", predictor=HEAD),
    "moco": objective("info_nce", {"momentum": 0.9}, queue=12),
    "neighbours": objective("nearest_neighbour", target="detached", predictor=HEAD, queue=12),
    "sinkhorn": clustered("sinkhorn_prototypes", SINKHORN),
    "sinkhorn_queue": clustered("sinkhorn_prototypes", SINKHORN, queue=12),
    "centering": clustered("centering", {"prototypes": 4}, more={"momentum": 0.9}),
    "kmeans": clustered("kmeans_bank", {"clusters": 3}, refit="epoch", pairs="same"),
    "positions": objective(
        "position_contrast", {"views": part("volume_positions")}, labels="overlap"
    ),
    "turns": objective(
        "cross_entropy", {"views": part("rotate")}, labels="rotation", projector=part("linear")
    ),
    "queued": objective("nt_xent", queue=12),
    "prior": objective("kl_normal"),
    "normed": objective(
        "barlow_twins",
        {"backbone": part("plain", normed=True), "momentum": 0.9},
        projector=part("mlp", hidden=[8], out=8),
    ),
    "masked": objective(
        "reconstruction",
        {"views": part("block_mask"), "backbone": part("double_vit", channels=16, depth=1)},
        projector=None,
        stream="tokens",
        decoder=part("masked_decoder"),
    ),
    "restored": objective(
        "reconstruction",
        {"views": part("distort")},
        projector=None,
        decoder=part("linear_decoder"),
    ),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every case by one process and by two."""
    folder = tmp_path_factory.mktemp("equal")
    (folder / "cases.json").write_text(json.dumps(CASES))
    (folder / "train.py").write_text(SCRIPT)
    command = [sys.executable, str(folder / "train.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("case", CASES)
def test_two_processes_equal_one(case: str, dims: int, trained: Path) -> None:
    one, two = (load_file(trained / f"{case}-{dims}-{ranks}.safetensors") for ranks in (1, 2))
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, atol=1e-8, rtol=1e-8)


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
