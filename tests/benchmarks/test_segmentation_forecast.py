"""What `--dry-run` says of outlining: real steps and windows, times as many as there will be."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pixvox_benchmarks import segmentation_forecast as timing
from pixvox_benchmarks.forecast import forecast, training_cases
from pixvox_benchmarks.grid import Grid, Pretraining, Workshop
from pixvox_benchmarks.plan import plan
from pixvox_benchmarks.segmenter import outlined
from pixvox_benchmarks.stand_in import Few, stand_in
from pixvox_benchmarks.tuning import classification, segmentation
from pixvox_registry import TASKS
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Pretrained
from pixvox_registry.intensity import Intensity
from pixvox_registry.scans import Scan, Scans
from pixvox_registry.source_spec import build_source

TASK = "phantom_organs_2d"


class Counting(nn.Module):
    """Paints nothing and counts the windows that it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.seen = 0

    def forward(self, images: Tensor) -> Tensor:
        self.seen += len(images)
        return torch.cat([images, images], 1)


def scans_of(*shapes: tuple[int, ...]) -> Scans:
    def read(row: int) -> Scan:
        mask = torch.zeros(shapes[row], dtype=torch.uint8)
        return Scan(id=str(row), image=torch.rand(1, *shapes[row]), mask=mask, spacing_mm=None)

    ids = tuple(str(row) for row in range(len(shapes)))
    return Scans(read=read, ids=ids, dims=len(shapes[0]), in_channels=1)


@pytest.mark.parametrize("dims", [2, 3])
def test_windows_are_as_many_as_the_outlining_takes(dims: int) -> None:
    scale = Intensity((0.0,), (1.0,), (0.0, 1.0))
    patch = (16, 8, 24)[:dims]
    for shape in itertools.product((7, 16, 17, 25, 40), repeat=dims):
        net = Counting()
        outlined(net, scans_of(shape), scale, patch)
        assert timing.windows(shape, patch) == net.seen, shape


def test_more_scans_than_are_looked_at_count_in_proportion() -> None:
    patch = (16, 16)
    few = [(16, 16), (16, 24)]
    assert timing.windows_of(scans_of(*few), patch) == 1 + 2
    assert timing.windows_of(scans_of(*few * 20), patch) == pytest.approx(3 * 20)
    assert timing.some_of(scans_of(*few * 20)).ids == tuple(str(row) for row in range(0, 40, 5))


@pytest.fixture(scope="module")
def blank() -> Pretrained:
    asked = Pretraining(method="random_init_unet", task=TASK, budget="tiny", seed=0)
    return stand_in(Workshop.of(asked))


def test_seconds_are_those_of_all_steps_looks_and_tests(
    blank: Pretrained, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = TASKS.build(TASK)
    monkeypatch.setattr(timing, "time_step", lambda net, sampler, batch: 1000.0 * batch)
    monkeypatch.setattr(timing, "time_window", lambda *_: 1.0)
    tuning = segmentation("tiny", 2)
    side = task.scans("val")[0].mask.shape
    each = timing.windows(side, (blank.image_size,) * 2)
    wanted = 1000 * tuning.batch * tuning.steps
    wanted += each * (tuning.looks * len(task.scans("val")) + len(task.scans("test")))
    assert timing.time_segmentation(task, blank, "tiny", frozen=True) == pytest.approx(wanted)


@pytest.mark.parametrize("frozen", [True, False])
def test_real_steps_are_timed_and_the_stand_in_stays_as_it_is(
    frozen: bool, blank: Pretrained, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: tensor.clone() for name, tensor in blank.backbone.state_dict().items()}
    stepped: list[int] = []
    step = torch.optim.AdamW.step

    def spy(self: Any, *args: Any) -> Any:
        learning = [p for group in self.param_groups for p in group["params"]]
        stepped.append(sum(p.grad is not None for p in learning))
        return step(self, *args)

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    seconds = timing.time_segmentation(TASKS.build(TASK), blank, "tiny", frozen=frozen)
    assert 0 < seconds < 600
    learning = len(list(blank.backbone.parameters()))
    assert len(stepped) == timing.LAPS and (min(stepped) < learning) == frozen
    assert all(torch.equal(before[name], t) for name, t in blank.backbone.state_dict().items())


def test_a_stand_in_is_of_the_methods_kind_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    asked = Pretraining(method="simclr", task="phantom_shapes_2d", budget="tiny", seed=0)
    workshop = Workshop.of(asked)
    made = stand_in(workshop)
    assert made.card["backbone"]["name"] == "resnet" and made.card["budget"]["seen"] == 1
    assert made.image_size == workshop.order.budget.image_size
    assert [left.name for left in tmp_path.iterdir()] in ([], ["cache"])


def test_few_cases_lie_evenly() -> None:
    cases = Few(build_source("phantoms:shapes_2d,count=600")).cases("train")
    assert isinstance(cases, Cases) and len(cases) == 256
    rows = [int(case.split("/")[1]) for case in cases.ids]
    assert rows == [place * 600 // 256 for place in range(256)]
    assert len(Few(build_source("phantoms:shapes_2d,count=8")).cases("train")) == 8


def test_a_forecast_times_a_method_once_and_says_who_will_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    timed: list[tuple[str, bool]] = []
    real = timing.time_segmentation

    def fake(task: Any, pretrained: Pretrained, budget: str, *, frozen: bool) -> float:
        if not pretrained.backbone.channels:
            return real(task, pretrained, budget, frozen=frozen)
        timed.append((pretrained.card["backbone"]["name"], frozen))
        return 10.0 if frozen else 100.0

    monkeypatch.setattr(timing, "time_segmentation", fake)
    grid = Grid(
        methods=("random_init_unet", "constant:prediction"),
        tasks=(TASK,),
        protocols=("segmentation_frozen", "segmentation_finetune"),
        seeds=3,
        budget="tiny",
    )
    unet, constant, total = forecast(plan(grid, tmp_path / "out"))
    assert timed == [("unet", True), ("unet", False)]
    assert unet["probing_s"] == 3 * 110 and constant["probing_s"] == 0
    assert total["probing_s"] == 330 and not (tmp_path / "out").exists()
    assert capsys.readouterr().err.count("constant:prediction will fail") == 2


def test_training_on_classes_is_counted_in_forward_passes() -> None:
    task = TASKS.build("phantom_shapes_2d")
    train, val, test = (len(task.cases(split)) for split in ("train", "val", "test"))
    tuning = classification("tiny")
    whole = training_cases(task, "tiny", 1.0)
    assert whole == 3 * tuning.epochs_of(train) * train + tuning.looks * val + test
    tenth = training_cases(task, "tiny", 0.1)
    learnt = 0.1 * train * 3 * tuning.epochs_of(round(0.1 * train))
    assert tenth == pytest.approx(learnt + tuning.looks * val + test)
