"""A guest distribution, so that a grid needs no zoo; and outlines of a task on files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixvox_registry import registry

from . import odd_axes

PLUGINS = {
    "guest_task": '''
"""Two classes of 4 px images: dark and bright, with noise."""
import os
import torch
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS, UserError
from pixvox_registry.cases import Cases

class Squares:
    dims, name, splits = 2, "squares", ("train", "val", "test")

    def cases(self, split):
        if os.environ.get("SQUARES_MISSING"):
            raise UserError("squares.npz was looked for and is not there.")
        chance = torch.Generator().manual_seed(len(split))
        target = torch.arange(24) % 2
        noise = torch.rand(24, 1, 4, 4, generator=chance)
        images = (90 * noise + 60 * target.view(-1, 1, 1, 1)).to(torch.uint8)
        return Cases(images=images, ids=tuple(f"{split}/{i}" for i in range(24)),
                     labels={"class": target})

    def facts(self):
        return {"dataset": "squares", "verified": True, "sha256": "0" * 64}

@TASKS.register
def squares():
    return ClassificationTask(
        name="squares", source=Squares(), classes=("dark", "bright"), licence="CC0-1.0",
        units="image", flips=(int(os.environ.get("SQUARES_FLIPS", "1")),),
        version=os.environ.get("SQUARES_VERSION", "1"))
''',
    "guest_labels": '''
"""4 px images with two marks, each of which is there or not, whatever the other does."""
import torch
from pixvox_benchmarks.multi_label_task import MultiLabelTask
from pixvox_registry import TASKS
from pixvox_registry.cases import Cases

class Marks:
    dims, name, splits = 2, "marks", ("train", "val", "test")

    def cases(self, split):
        chance = torch.Generator().manual_seed(len(split))
        number = torch.arange(40)
        labels = {"mark_a": number % 2, "mark_b": (number % 5 == 0).long()}
        images = 90 * torch.rand(40, 1, 4, 4, generator=chance)
        images[:, 0, 0] += 120 * labels["mark_a"][:, None]
        images[:, 0, 3] += 120 * labels["mark_b"][:, None]
        return Cases(images=images.to(torch.uint8), labels=labels,
                     ids=tuple(f"{split}/{i}" for i in range(40)))

    def facts(self):
        return {"dataset": "marks", "verified": True, "sha256": "1" * 64}

@TASKS.register
def marks():
    return MultiLabelTask(
        name="marks", source=Marks(), labels=("above", "below"), columns=("mark_a", "mark_b"),
        licence="CC0-1.0", units="image", flips=(1,))
''',
    "guest_protocol": '''
"""Nearest centroid of the train cases."""
import torch
from pixvox_registry import PROTOCOLS
from pixvox_registry.measuring import Predictions

@PROTOCOLS.register
class Nearest:
    version = "1"

    def __init__(self, *, sharpness=1.0):
        self.sharpness = sharpness

    def __call__(self, train, val, test):
        centroids = torch.stack([train.features[train.target == k].mean(0) for k in (0, 1)])
        opened = test()
        distance = torch.cdist(opened.features.double(), centroids.double())
        probability = torch.softmax(-self.sharpness * distance, 1)
        return Predictions(probability, opened.target, {"sharpness": self.sharpness})
''',
    "guest_maker": '''
"""A random projection; ``poison`` crashes, ``slow`` takes a second, ``nan`` gives NaN."""
import os, time
import torch
from pathlib import Path
from torch import nn
from pixvox_registry import MAKERS, UserError
from pixvox_registry.artifacts import fingerprint, publish
from pixvox_registry.contracts import Features, Pretrained
from pixvox_registry.intensity import Intensity

class Projection(nn.Module):
    def __init__(self, seed, gain):
        super().__init__()
        chance = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(gain * torch.rand(16, 3, generator=chance))

    def forward(self, images, mask=None):
        return Features(pooled=images.flatten(1) @ self.weight)

def tally(deed):
    folder = os.environ.get("TALLY")
    if folder:
        with open(Path(folder) / deed, "a") as stream:
            stream.write(f"{os.getpid()}\\n")

@MAKERS.register
class Guest:
    def fingerprint(self, order):
        if order.method not in ("plain", "other", "slow", "poison", "nan"):
            raise UserError(f"No projection is called {order.method!r}.")
        return fingerprint([order.method, order.seed, order.budget.facts()])

    def check(self, order):
        self.fingerprint(order)

    def make(self, order, folder):
        tally(f"make-{order.method}-{order.seed}")
        if order.method == "poison":
            os.abort()
        if order.method == "slow":
            time.sleep(1)
        publish(folder / "weights", f"{order.method} {order.seed}".encode())
        return folder / "weights"

    def load(self, weights):
        method, seed = weights.read_text().split()
        tally(f"load-{method}-{seed}")
        gain = float("nan") if method == "nan" else 1.0
        return Pretrained(
            backbone=Projection(int(seed), gain), image_size=4,
            intensity=Intensity((0.0,), (255.0,), (0.0, 255.0)),
            sha256=fingerprint([method, seed]),
            card={"backbone": {"name": "toy"}, "budget": {"name": "own"}})

    def estimate(self, order):
        return 12.5, 2**20
''',
}
POINTS = """
[pixvox_benchmarks.tasks]
squares = guest_task
marks = guest_labels
[pixvox_benchmarks.protocols]
nearest = guest_protocol
[pixvox_zoo.makers]
guest = guest_maker
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, as pip would leave it; ``TALLY`` in it counts what is made."""
    folder = tmp_path / "house"
    facts = folder / "guest-0.1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: guest\nVersion: 0.1\n")
    (facts / "entry_points.txt").write_text(POINTS)
    for name, text in PLUGINS.items():
        (folder / f"{name}.py").write_text(text.lstrip())
    (tmp_path / "tally").mkdir()
    monkeypatch.setenv("TALLY", str(tmp_path / "tally"))
    monkeypatch.syspath_prepend(folder)
    registry._installed.cache_clear()
    yield folder
    registry._installed.cache_clear()
    for name in PLUGINS:
        sys.modules.pop(name, None)


@pytest.fixture
def tally(house: Path, tmp_path: Path) -> Callable[[str], int]:
    """How often a deed was begun, in whichever process."""

    def count(deed: str) -> int:
        file = tmp_path / "tally" / deed
        return len(file.read_text().splitlines()) if file.exists() else 0

    return count


@pytest.fixture
def pixvox(house: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts ``pixvox WORDS`` in a process of its own, where the guest is installed."""

    def start(*words: str) -> subprocess.Popen[str]:
        path = os.pathsep.join([str(house), os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(
            [sys.executable, "-m", "pixvox_registry", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The volumes of ``odd_axes``."""
    root = tmp_path_factory.mktemp("scans")
    odd_axes.write_scans(root)
    return root


@pytest.fixture
def lent(scanned: Path) -> Iterator[None]:
    """The task ``odd_axes`` and a protocol for it, as long as the test runs."""
    with odd_axes.lent(scanned):
        yield


@pytest.fixture
def drawn(lent: None, tmp_path: Path) -> Path:
    """Outlines of ``odd_axes`` by that protocol, one file a case."""
    odd_axes.published("odd_axes", tmp_path / "drawn")
    return tmp_path / "drawn"
