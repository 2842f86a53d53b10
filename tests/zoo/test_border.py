"""The border: what YAML may say, and what happens when it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixvox_registry.errors import UserError
from pixvox_registry.recipes import recipe_files
from pixvox_zoo.border import parse, read_recipe
from pixvox_zoo.recipe import Schedule

GOOD = {"views": {"name": "plain"}, "backbone": {"name": "resnet"}}


@pytest.mark.parametrize("name", recipe_files())
def test_every_recipe_of_the_zoo_parses_and_has_a_stable_hash(name: str) -> None:
    assert read_recipe(name).sha256 == read_recipe(name).sha256
    assert recipe_files()[name].with_name("card.md").exists()


def test_overrides_merge_and_a_renamed_part_is_replaced_whole() -> None:
    recipe = read_recipe(
        "simclr",
        [
            "optimizer.lr=1e-2",
            "objectives.contrast.loss.settings.temperature={start: 0.5, end: 0.1}",
            "objectives.contrast.projector={name: linear, settings: {out: 4}}",
        ],
    )
    objective = recipe.stages[0].objectives["contrast"]
    assert recipe.optimizer.lr == 0.01 and recipe.optimizer.warmup == 0.05
    assert objective.loss is not None
    assert objective.loss.settings["temperature"] == Schedule(start=0.5, end=0.1)
    assert objective.projector is not None and not isinstance(objective.projector, str)
    assert dict(objective.projector.settings) == {"out": 4}


def test_prose_does_not_change_the_hash_and_numbers_do() -> None:
    assert parse("a", {**GOOD, "title": "x"}).sha256 == parse("a", GOOD).sha256
    assert parse("a", {**GOOD, "epochs": 3}).sha256 != parse("a", GOOD).sha256


def test_an_exponent_without_a_dot_is_a_number(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("views: {name: plain}\nbackbone: {name: resnet}\noptimizer: {lr: 1e-3}\n")
    assert read_recipe(file).optimizer.lr == 0.001


def test_a_base_is_a_recipe_by_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("_base_: simclr\noptimizer: {lr: 0.5}\n")
    recipe = read_recipe(file)
    assert recipe.optimizer.lr == 0.5 and "contrast" in recipe.stages[0].objectives


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"viwes": {}}, "Did you mean 'views'"),
        ({"objectives": {"o": {"los": {}}}}, "Did you mean 'loss'"),
        ({"objectives": {"o": {"stream": "poled"}}}, "Did you mean 'pooled'"),
        ({"optimizer": {"learning_rate": 1}}, "optimizer has no key 'learning_rate'"),
        ({"momentum": {"start": 0.9, "edn": 1}}, "Did you mean 'end'"),
        ({"freeze": {"backbone": {"untill": 1}}}, "Did you mean 'until'"),
        ({"backbone": {"type": "subprocess.check_output"}}, "backbone must read {name"),
        ({"backbone": {"name": "resnet", "_target_": "os.system"}}, "_target_"),
        ({"views": "$__import__('os')"}, "views must read"),
        ({"stages": [], "objectives": {}, "epochs": 1}, "has stages and also"),
    ],
)
def test_what_is_wrong_is_refused_by_name(change: dict[str, object], word: str) -> None:
    with pytest.raises(UserError) as refusal:
        parse("r", {**GOOD, **change})
    assert word in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch hit']",
        "views: !!python/name:os.system\n",
        "_base_: ../../etc/passwd\n",
        "[1, 2]",
        "a: [",
    ],
)
def test_unsafe_or_broken_yaml_runs_nothing(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(UserError):
        read_recipe(file)
    assert [p.name for p in tmp_path.iterdir()] == ["bad.yaml"]


def test_reserved_words_of_the_merger_are_refused() -> None:
    for word in ("filename", "text", "pretty_text", "env_variables"):
        with pytest.raises(UserError):
            read_recipe("simclr", [f"{word}=1"])
