"""A set on disk that does not fit in memory is pretrained from, and memory stays flat."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pixvox_registry import BACKBONES
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import decode
from pixvox_registry.intensity import Intensity
from pixvox_registry.stored import RESIDENT_BYTES, Stored
from pixvox_zoo.feed import Feed
from pixvox_zoo.health import embed

FLAT_MB = 100  # more than a small set takes

PASS = """
import json, sys
from pathlib import Path

import numpy as np
import torch

from pixvox_benchmarks.task import digest_of
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import decode
from pixvox_registry.intensity import Intensity
from pixvox_registry.stored import bytes_of
from pixvox_zoo.feed import Feed

root, count, side, size, limit = sys.argv[1], *map(int, sys.argv[2:])
torch.set_num_threads(1)


def megabytes(field):
    told = Path("/proc/self/status").read_text().split(field + ":")[1]
    return int(told.split()[0]) * 1024 / 1e6


noise = np.random.default_rng(0).integers(0, 200, (1, side, side, side), dtype=np.uint8)


def one_pass(count):
    decoded = decode(
        "flat",
        Path(root),
        [f"{number:05d}" for number in range(count)],
        lambda file: noise + np.uint8(int(file.name) % 50),
        dtype="uint8",
        settings={},
        skip_broken=False,
    )
    whole = Cases(images=decoded.stored, ids=decoded.files, masks=decoded.masks)
    digest_of(whole.images)
    train = whole.chosen(range(0, count, 2)).resized(size, resident_bytes=limit)
    scale = Intensity.of(train, resident_bytes=limit)
    feed = Feed(train, scale, batch=8, seed=0, resident_bytes=limit)
    seen = sum(len(batch.images) for batch in feed.epoch_of(0))
    return bytes_of(whole.images) / 1e6, bytes_of(train.images) / 1e6, seen


one_pass(64)  # which brings the libraries that come late
before = megabytes("VmHWM")
held, trained, seen = one_pass(count)
told = {"set": held, "train": trained, "seen": seen, "before": before, "peak": megabytes("VmHWM")}
print(json.dumps(told))
"""


def one_pass(root: Path, *, count: int, side: int, size: int, limit: int) -> dict[str, float]:
    """Decode, digest, resize, scale and a whole epoch of batches, in a process of their own.

    Peaks are in MB: after a pass over 64 files, and after one over all.
    """
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak of memory is read from /proc")
    root.mkdir()
    for number in range(count):
        (root / f"{number:05d}").touch()
    command = [sys.executable, "-c", PASS, str(root), *map(str, (count, side, size, limit))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told: dict[str, float] = json.loads(done.stdout)
    return told


def test_a_set_beyond_the_limit_is_never_in_memory(tmp_path: Path) -> None:
    told = one_pass(tmp_path / "flat", count=1100, side=80, size=72, limit=4 << 20)
    assert told["set"] > 400 and told["train"] > 2 * FLAT_MB and told["seen"] == 552
    assert told["peak"] - told["before"] < FLAT_MB


@pytest.mark.slow
def test_five_gigabytes_stay_below_two(tmp_path: Path) -> None:
    try:
        told = one_pass(tmp_path / "flat", count=5000, side=100, size=80, limit=RESIDENT_BYTES)
    finally:
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    assert told["set"] >= 5000 and told["seen"] >= 2500
    assert told["train"] * 1e6 > RESIDENT_BYTES
    assert told["peak"] < 2000, told


@pytest.mark.parametrize("dims", [2, 3])
def test_batches_from_disk_are_those_of_a_resident_set(tmp_path: Path, dims: int) -> None:
    made = torch.randint(0, 255, (21, 2, *[6] * dims), dtype=torch.uint8)
    (tmp_path / "set").mkdir()
    for number in range(len(made)):
        (tmp_path / "set" / f"{number:02d}").touch()
    decoded = decode(
        "toy",
        tmp_path / "set",
        [f"{number:02d}" for number in range(len(made))],
        lambda file: made[int(file.name)].numpy(),
        dtype="uint8",
        settings={},
        skip_broken=False,
    )
    labels = {"class": torch.arange(21) % 3}
    cases = Cases(images=decoded.stored, ids=decoded.files, labels=labels)
    scale = Intensity.of(cases)
    streamed = Feed(cases, scale, batch=8, seed=3, resident_bytes=0)
    resident = Feed(replace(cases, images=made), scale, batch=8, seed=3)
    assert isinstance(streamed.images, Stored) and isinstance(resident.images, torch.Tensor)
    assert isinstance(Feed(cases, scale, batch=8, seed=3).images, torch.Tensor)
    for step in range(5):
        ours, theirs = streamed.at(step), resident.at(step)
        assert torch.equal(ours.images, theirs.images) and torch.equal(ours.index, theirs.index)
        assert torch.equal(ours.labels["class"], theirs.labels["class"])
    backbone = BACKBONES.build("toy", dims=dims, in_channels=2)
    rows = torch.tensor([20, 0, 7])
    assert torch.equal(embed(backbone, streamed, rows), embed(backbone, resident, rows))
