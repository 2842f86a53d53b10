"""Trackers: what they are told is the log, each step once, and no run minds them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pixvox_registry.artifacts import digest
from pixvox_registry.budgets import budget
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_registry.order import Order
from pixvox_registry.source_spec import build_source
from pixvox_zoo import pretraining as loop
from pixvox_zoo import trackers
from pixvox_zoo.border import parse
from pixvox_zoo.reporting import Reporter
from pixvox_zoo.trackers import Trackers, trackers_of

AGREE = {"projector": {"name": "toy"}, "predictor": {"name": "toy"}, "loss": {"name": "toy_agree"}}
RECIPE = {
    "views": {"name": "toy"},
    "backbone": {"name": "toy"},
    "objectives": {"agree": AGREE},
}


def order_of() -> Order:
    source = build_source("phantoms:shapes_2d,count=40")
    small = replace(budget("tiny", 2), seen=96, batch=8, image_size=8)  # 12 steps, epochs of 5
    return Order(method="toy", source=source, split="train", budget=small, seed=0, flips=())


def run(out: Path, **settings: Any) -> Path:
    return loop.pretrain(parse("toy", RECIPE), order_of(), out, quiet=True, **settings)


def log_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


# mmengine.visualization imports parts of torch that torch itself calls old.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")


@pytest.fixture
def tensorboard() -> None:
    pytest.importorskip("tensorboard", reason="extra 'track' is not installed")


def told(out: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard itself reads: name -> (step, number)."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(out / "tracks/tensorboard"))
    events.Reload()
    names = events.Tags()["scalars"]
    return {name: [(e.step, e.value) for e in events.Scalars(name)] for name in names}


def check_told(out: Path) -> None:
    """Every number of every line, once and in order, by its step."""
    found, lines = told(out), log_of(out)
    assert [line["step"] for line in lines] == [5, 10, 12]
    names = {name.replace("loss/", "loss_of/"): name for name in lines[0] if name != "step"}
    assert found.keys() == names.keys() and "loss_of/agree" in names
    for name, of_log in names.items():
        assert [step for step, _ in found[name]] == [5, 10, 12]
        assert [x for _, x in found[name]] == pytest.approx([line[of_log] for line in lines])


@pytest.mark.usefixtures("tensorboard")
def test_tensorboard_reads_back_every_number_of_the_log(tmp_path: Path) -> None:
    run(tmp_path / "run", track="tensorboard")
    check_told(tmp_path / "run")


@pytest.mark.usefixtures("tensorboard")
def test_a_resumed_run_tells_each_step_once_also_what_came_behind_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    advance = loop.advance

    def until(last: int, act: Any) -> None:
        def stopped(*arguments: Any) -> Any:
            if arguments[4] == last:
                act()
            return advance(*arguments)

        monkeypatch.setattr(loop, "advance", stopped)

    until(5, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit):
        run(out, track="tensorboard")
    assert [step for step, _ in told(out)["loss"]] == [5]

    def crash() -> None:
        raise RuntimeError("power cut")

    until(11, crash)
    with pytest.raises(RuntimeError, match="power cut"):
        run(out, track="tensorboard", resume=True)
    assert [step for step, _ in told(out)["loss"]] == [5, 10]
    monkeypatch.setattr(loop, "advance", advance)
    run(out, track="tensorboard", resume=True)
    check_told(out)


@pytest.mark.usefixtures("tensorboard")
def test_a_tracked_run_is_the_run_that_it_is_untracked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracked = run(tmp_path / "tracked", track=["tensorboard", "tensorboard"])
    plain = run(tmp_path / "plain")
    assert digest(tracked / "backbone.safetensors") == digest(plain / "backbone.safetensors")
    identities = [(tmp_path / name / "recipe.yaml").read_bytes() for name in ("tracked", "plain")]
    assert identities[0] == identities[1]
    assert run(tmp_path / "tracked", resume=True) == tracked
    assert not (tmp_path / "plain/tracks").exists()


def test_nobody_pays_for_a_tracker_that_nobody_asked_for() -> None:
    script = (
        "import sys, pixvox_zoo.pretraining\n"
        "assert not {'mmengine.visualization', 'cv2'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ("tensorbord", "No tracker is called 'tensorbord'. Did you mean 'tensorboard'"),
        (["wandb,mlflw"], "Did you mean 'mlflow'"),
        ("tensorboard", r"pip install 'pixvox\[track\]'"),
        ("wandb", "pip install 'wandb'"),
    ],
)
def test_a_tracker_that_is_not_there_is_refused_before_anything_is_written(
    asked: Any, match: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_wandb = asked == ["wandb,mlflw"]
    monkeypatch.setattr(trackers, "find_spec", lambda name: object() if is_wandb else None)
    with pytest.raises(UserError, match=match):
        run(tmp_path / "run", track=asked)
    assert not (tmp_path / "run").exists()


def test_opencv_without_its_library_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "mmengine.visualization", None)
    with pytest.raises(UserError, match=r"libGL\.so\.1 is missing, pip install opencv-python-head"):
        trackers_of("tensorboard")


class Recorder:
    """A backend that remembers its calls, and breaks at the ``breaks``-th line."""

    made: list[Recorder]
    breaks = 99

    def __init__(self, save_dir: str, **settings: Any) -> None:
        self.settings, self.lines, self.closed = settings, [], False
        self.experiment = SimpleNamespace(define_metric=lambda name, step_metric: None)
        self.made.append(self)

    def add_config(self, config: Any) -> None:
        self.config = config

    def add_scalars(self, numbers: dict[str, Any], step: int) -> None:
        if len(self.lines) + 1 == self.breaks:
            raise ConnectionError("no route to host")
        self.lines.append((step, numbers))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    """Stands for every backend, whichever packages are here."""
    fresh = type("Fresh", (Recorder,), {"made": []})
    backends = SimpleNamespace(**dict.fromkeys(trackers.BACKENDS.values(), fresh))
    monkeypatch.setattr(trackers, "_backends", lambda: backends)
    monkeypatch.setattr(trackers, "find_spec", lambda name: object())
    return fresh


def test_several_trackers_are_told_the_same(recorder: type[Recorder], tmp_path: Path) -> None:
    run(tmp_path / "run", track=["tensorboard,mlflow", "wandb"])
    first, second, third = recorder.made
    assert first.lines == second.lines == third.lines and len(first.lines) == 3
    assert first.closed and second.closed and third.closed
    assert first.config["recipe"]["backbone"]["name"] == "toy"
    assert third.settings["init_kwargs"]["config"]["seed"] == 0
    assert not hasattr(third, "config")  # by that W&B would take every Python file that it finds


@pytest.mark.parametrize("breaks", [1, 2])
def test_a_tracker_that_breaks_is_left_out_and_the_run_goes_on(
    breaks: int, recorder: type[Recorder], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.breaks = breaks
    weights = run(tmp_path / "run", track="wandb")
    assert (weights / "card.json").exists() and len(log_of(tmp_path / "run")) == 3
    said = capsys.readouterr().err
    assert said.count("Tracker 'wandb' is left out: ConnectionError: no route to host") == 1


def test_other_ranks_tell_nothing(recorder: type[Recorder], tmp_path: Path) -> None:
    cases = build_source("phantoms:shapes_2d,count=16").cases("train").resized(8)
    feed = loop.Feed(cases, Intensity.of(cases), batch=8, seed=0)
    told_by = Trackers(["wandb"], tmp_path, {})
    with Reporter(tmp_path, feed, total=2, quiet=True, trackers=told_by, first=False) as reporter:
        reporter.resume(0, 0.0)
    assert not recorder.made and not (tmp_path / "tracks").exists()
