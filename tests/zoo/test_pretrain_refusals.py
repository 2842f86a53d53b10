"""Runs that are refused: in one sentence, and before anything wrong is written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import pixvox_zoo
from pixvox_registry import VIEWS
from pixvox_registry.contracts import View
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError
from pixvox_zoo import checkpoints
from pixvox_zoo import pretraining as loop
from pixvox_zoo.api import order_for
from pixvox_zoo.border import parse

from .toy_run import AGREE, STAGES, order_of, recipe_of


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
