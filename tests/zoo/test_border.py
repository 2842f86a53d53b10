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
def test_every_recipe_of_the_zoo_parses_and_has_a_card(name: str) -> None:
    assert read_recipe(name).name == name
    assert recipe_files()[name].with_name("card.md").exists()


def test_a_recipe_has_the_hash_it_always_had() -> None:
    """Whoever changes this makes every result stale; a new key of recipes does."""
    raw = {
        **GOOD,
        "momentum": {"start": 0.9, "end": 1.0},
        "objectives": {
            "o": {"projector": {"name": "mlp", "settings": {"hidden": [8]}}, "queue": 4}
        },
        "optimizer": {"lr": "1e-2"},
    }
    assert (
        parse("r", raw).sha256 == "62442d6df63ac7d8cc2ff4b6ef517c04ca04c12d25d7abb065f35fd20eb16481"
    )


def test_an_override_reaches_into_lists_by_number() -> None:
    sets = ["stages.1.epochs=7", "stages.1.objectives.restore.weight=0.5"]
    recipe, plain = (read_recipe("contrastive_autoencoder", s) for s in (sets, []))
    assert recipe.stages[0] == plain.stages[0]
    assert recipe.stages[1].epochs == 7 and recipe.stages[1].objectives["restore"].weight == 0.5
    clustering = recipe.stages[1].objectives["restore"].clustering
    assert clustering == plain.stages[1].objectives["restore"].clustering
    with pytest.raises(UserError, match="A list of 2 has no '2'; its items are 0 to 1"):
        read_recipe("contrastive_autoencoder", ["stages.2.epochs=7"])


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
    decisive = parse("a", {**GOOD, "paper": "x"}).decisive()
    assert decisive == parse("a", GOOD).decisive() and "epochs" in decisive["stages"][0]


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
        ({"stages": []}, "stages must list one stage or more"),
        ({"stages": 3}, "stages must list one stage or more"),
        ({"stages": [{"objectives": None}]}, "stages.0.objectives must be a mapping, not None"),
        ({"backbone": "torch.nn"}, "backbone must read {name: ..., settings: {...}}, not"),
        ({"views": "my.views"}, "views must read {name: ..., settings: {...}}, not"),
        ({"views": {"name": 3}}, "views must read"),
        ({"views": {"name": "plain", "settings": [1]}}, "views.settings must be a mapping"),
        ({"objectives": {"o": {"loss": "a.loss"}}}, "objectives.o.loss must read"),
        ({"objectives": {"o": {"clustering": "a.loss"}}}, "or 'objective.clustering', not"),
        ({"objectives": None}, "objectives must be a mapping, not None"),
        ({"objectives": {"o": 3}}, "objectives.o must be a mapping, not 3"),
        ({"objectives": {"o": {"queue": "long"}}}, "objectives.o.queue must be a number"),
        ({"objectives": {"o": {"weight": "much"}}}, "objectives.o.weight must be a number"),
        ({"epochs": "ten"}, "epochs must be a number, not 'ten'"),
        ({"momentum": "slow"}, "momentum must be a number"),
        ({"momentum": {"start": 0.9}}, "momentum has a start and no end"),
        ({"momentum": {"start": 0.9, "end": "x"}}, "momentum.end must be a number"),
        ({"freeze": {"backbone": {"until_step": "x"}}}, "freeze.backbone.until_step must be"),
        ({"optimizer": None}, "optimizer must be a mapping, not None"),
        ({"optimizer": {"lr": {"start": 1, "end": 0}}}, "optimizer.lr must be a number"),
        ({"optimizer": {"clip": "no"}}, "optimizer.clip must be a number"),
        (
            {"optimizer": {"settings": {"momentum": {"start": 0.5, "end": 0.9}}}},
            "optimizer.settings.momentum lies too deep for a schedule",
        ),
        (
            {"views": {"name": "two_crops", "settings": {"chances": {"blur": {"start": 0}}}}},
            "views.settings.chances.blur lies too deep for a schedule",
        ),
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("optimizer={lr: 1", "--set optimizer wants plain YAML, not '{lr: 1'"),
        ("optimizer.lr=fast", "optimizer.lr must be a number, not 'fast'"),
        ("optimizer.lr=", "optimizer.lr must be a number, not None"),
        ("objectives=", "objectives must be a mapping, not None"),
    ],
)
def test_an_override_that_says_nothing_is_refused(text: str, words: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_recipe("simclr", [text])
    assert words in str(refusal.value)


def test_reserved_words_of_the_merger_are_refused() -> None:
    for word in ("filename", "text", "pretty_text", "env_variables"):
        with pytest.raises(UserError):
            read_recipe("simclr", [f"{word}=1"])
