"""Compilation: steps go through torch.compile, looks do not, and no name of a parameter changes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import pixvox_zoo
from pixvox_registry.artifacts import digest
from pixvox_registry.budgets import budget
from pixvox_registry.errors import UserError
from pixvox_registry.order import Order
from pixvox_registry.source_spec import build_source
from pixvox_zoo import pretraining as loop
from pixvox_zoo.border import parse
from pixvox_zoo.recipe import Recipe

RECIPE = {
    "views": {"name": "toy", "settings": {"local": 1}},
    "backbone": {"name": "toy"},
    "momentum": 0.9,
    "objectives": {
        "agree": {
            "projector": {"name": "toy"},
            "predictor": {"name": "toy"},
            "queue": 16,
            "loss": {"name": "toy_agree"},
        }
    },
}


def order_of() -> Order:
    source = build_source("phantoms:shapes_2d,count=40")
    small = replace(budget("tiny", 2), seen=96, batch=8, image_size=8)
    return Order(method="toy", source=source, split="train", budget=small, seed=0, flips=())


def run(out: Path, recipe: Recipe | None = None, **settings: Any) -> Path:
    return loop.pretrain(recipe or parse("toy", RECIPE), order_of(), out, quiet=True, **settings)


Modes = list[tuple[bool, bool, bool]]


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Modes:
    """A compiler that changes nothing: (does it learn, in training mode, with gradient) a call."""
    modes: Modes = []

    def compile(forward: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
        backbone = forward.__self__  # type: ignore[attr-defined]

        def called(*arguments: Any, **named: Any) -> Any:
            learns = backbone.body.weight.requires_grad
            modes.append((learns, backbone.training, torch.is_grad_enabled()))
            return forward(*arguments, **named)

        return called

    monkeypatch.setattr(torch, "compile", compile)
    monkeypatch.setenv("CXX", "true")
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"include": str(python_with_headers)})
    python_with_headers = Path(os.environ["PIXVOX_CACHE"])
    python_with_headers.mkdir(parents=True)
    (python_with_headers / "Python.h").touch()
    return modes


def test_steps_are_compiled_of_both_branches_and_looks_are_not(
    compiled: Modes, tmp_path: Path
) -> None:
    weights = run(tmp_path / "run", compile=True)
    assert set(compiled) == {(True, True, True), (False, True, False)}
    assert compiled.count((True, True, True)) == 12 * 2  # steps x sizes of crops
    assert digest(weights / "backbone.safetensors") == digest(
        run(tmp_path / "eager") / "backbone.safetensors"
    )
    assert load_file(weights / "backbone.safetensors").keys() == {"body.weight", "body.bias"}


def test_a_compiled_run_is_another_run_and_its_card_says_so(
    compiled: Modes, tmp_path: Path
) -> None:
    weights = run(tmp_path / "run", compile=True)
    assert json.loads((weights / "card.json").read_text())["compile"] is True
    with pytest.raises(UserError, match="compile: True -> absent"):
        run(tmp_path / "run", resume=True)
    eager = run(tmp_path / "eager")
    assert "compile" not in json.loads((eager / "card.json").read_text())
    with pytest.raises(UserError, match="compile: absent -> True"):
        run(tmp_path / "eager", resume=True, compile=True)


def test_a_missing_compiler_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError, match=r"no 'no-such-compiler' here. Install g\+\+"):
        run(tmp_path / "run", compile=True)
    monkeypatch.setenv("CXX", "true")
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    with pytest.raises(UserError, match=r"there is no .*Python\.h"):
        run(tmp_path / "run", compile=True)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def compiler() -> None:
    if not shutil.which(os.environ.get("CXX", "g++")):
        pytest.skip("there is no C++ compiler")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # torch's own, of its parts
@pytest.mark.usefixtures("compiler")
def test_really_compiled_it_learns_the_same_and_resumes_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "kernels"))
    whole = run(tmp_path / "whole", compile=True)
    assert any((tmp_path / "kernels").rglob("*.so"))
    eager = run(tmp_path / "eager")
    ours, theirs = (load_file(weights / "backbone.safetensors") for weights in (whole, eager))
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], atol=1e-5, rtol=1e-4)
    assert not pixvox_zoo.load(whole).backbone.training
    advance = loop.advance

    def stopped(*arguments: Any) -> Any:
        if arguments[4] == 6:
            os.kill(os.getpid(), signal.SIGTERM)
        return advance(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "advance", stopped)
        with pytest.raises(SystemExit):
            run(tmp_path / "cut", compile=True)
    torch.compiler.reset()  # as on a new machine
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "kernels_again"))
    cut = run(tmp_path / "cut", compile=True, resume=True)
    assert digest(cut / "backbone.safetensors") == digest(whole / "backbone.safetensors")
