"""Ablations: variants along axes, each a recipe that trains."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pixvox_registry import UserError
from pixvox_registry.recipes import recipe_files
from pixvox_zoo.ablation import axes_of, axis_of, variants_of
from pixvox_zoo.border import read_recipe
from pixvox_zoo.commands.ablate import ablate
from pixvox_zoo.refit import refit

BRINGING = [n for n, f in recipe_files().items() if f.with_name("ablation.yaml").exists()]
VARIANTS = [(name, label) for name in BRINGING for label in variants_of(axes_of(name))]


@pytest.mark.filterwarnings("ignore:sinkhorn_prototypes", "ignore:nt_xent")
@pytest.mark.parametrize(("name", "label"), VARIANTS)
def test_every_variant_that_a_recipe_brings_takes_steps(
    name: str, label: str, at_work: Any
) -> None:
    wiring, feed = at_work(read_recipe(name, variants_of(axes_of(name))[label]), 3)
    for stage in wiring.recipe.stages:
        wiring.begin_stage(stage)
        for when in ("stage", "epoch"):
            refit(wiring, when, feed, 0)
        wiring.fill_queues((feed.at(s), feed.draws_at(s)) for s in count())
        loss = wiring(feed.at(0), feed.draws_at(0))
        loss.backward()
        assert loss.isfinite() and set(wiring.losses) == set(wiring.objectives)


def test_variants_are_every_combination() -> None:
    axes = dict([axis_of("a: one x=1; two x=2 y={p: 3, q: 4}"), axis_of("b: plain; other z=5")])
    assert variants_of(axes) == {
        "one-plain": ["x=1"],
        "one-other": ["x=1", "z=5"],
        "two-plain": ["x=2", "y={p: 3, q: 4}"],
        "two-other": ["x=2", "y={p: 3, q: 4}", "z=5"],
    }


def test_an_axis_without_a_choice_is_refused() -> None:
    with pytest.raises(UserError, match="two variants or more"):
        axis_of("a: one x=1;")
    with pytest.raises(UserError, match=r"'simclr' brings no ablation\.yaml"):
        axes_of("simclr")


def test_nobody_is_compared_on_no_task(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give --tasks as well"):
        ablate("joint_swav", "phantoms:shapes_3d", against="random_init", out=tmp_path)
    assert not any(tmp_path.iterdir())


def test_an_objective_set_to_null_is_gone_with_what_it_froze() -> None:
    recipe = read_recipe("joint_swav", ["objectives.inter=null"])
    (stage,) = recipe.stages
    assert set(stage.objectives) == {"intra", "masked"}
    assert set(stage.freeze) == {"intra.clustering"}


def test_one_command_trains_each_variant_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> None:
        ablate(
            "simclr",
            "phantoms:shapes_2d,count=64",
            vary=["tau: low objectives.contrast.loss.settings.temperature=0.1; as-it-is"],
            seeds=1,
            budget="tiny",
            epochs=2,
            batch=32,
            tasks="phantom_texture_2d",
            against="random_init",
            protocols="knn_probe",
            out=tmp_path,
            quiet=True,
        )

    run()
    cards = sorted((tmp_path / "runs").glob("*-s0/weights/card.json"))
    assert [card.parts[-3] for card in cards] == ["as-it-is-s0", "low-s0"]
    budgets = [json.loads(card.read_text())["budget"] for card in cards]
    assert {(spent["name"], spent["seen"], spent["batch"]) for spent in budgets} == {
        ("custom", 128, 32)
    }
    made = [card.stat().st_mtime_ns for card in cards]
    run()
    assert [card.stat().st_mtime_ns for card in cards] == made
    said = capsys.readouterr()
    assert "simclr low, seed 0" in said.err
    board = json.loads((tmp_path / "board" / "board.json").read_text())
    names = {row["method"] for row in board["records"]}
    variants = {f"weights:{tmp_path}/runs/{name}-s{{seed}}/weights" for name in ("low", "as-it-is")}
    assert names == {*variants, "random_init"}
