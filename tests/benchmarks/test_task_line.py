"""Task lines: one spelling for each edition of a task, and every other one is refused or mended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.grid import Grid, Pretraining, Workshop
from pixvox_benchmarks.plan import plan
from pixvox_benchmarks.result import path_of
from pixvox_benchmarks.task_line import plugin_of, spell_task, task_of
from pixvox_registry import SOURCES, TASKS, UserError


@pytest.mark.parametrize(
    ("line", "name", "source"),
    [
        ("breastmnist", "breastmnist", "medmnist:breastmnist"),
        ("breastmnist:28", "breastmnist", "medmnist:breastmnist"),
        ("breastmnist:size=28", "breastmnist", "medmnist:breastmnist"),
        ("breastmnist:64", "breastmnist:64", "medmnist:breastmnist,size=64"),
        ("breastmnist:size=224", "breastmnist:224", "medmnist:breastmnist,size=224"),
        ("adrenalmnist3d:64", "adrenalmnist3d:64", "medmnist:adrenalmnist3d,size=64"),
        ("chestmnist:128", "chestmnist:128", "medmnist:chestmnist,size=128"),
        ("phantom_shapes_2d", "phantom_shapes_2d", "phantoms:shapes_2d,count=600"),
    ],
)
def test_a_line_has_one_shortest_form_and_reads_back(line: str, name: str, source: str) -> None:
    task = task_of(line)
    assert task.name == name and task.source.name == source
    assert task_of(task.name).name == name
    assert plugin_of(task.name) in TASKS


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("brestmnist:64", "Did you mean 'breastmnist'"),
        ("breastmnist:65", "comes in the sizes 28, 64, 128, 224; 65 came"),
        ("adrenalmnist3d:128", "comes in the sizes 28, 64; 128 came"),
        ("breastmnist:big", "wants size as int; 'big' came"),
        ("breastmnist:siez=64", "has no setting 'siez'. Did you mean 'size'"),
        ("breastmnist:64:size=64", "gives 'size' twice"),
        ("breastmnist:64:128", "'128' of 'breastmnist:64:128' is no setting"),
        ("breastmnist:", r"A task is written NAME\[:ARGUMENT\]"),
        ("breastmnist:64,x=1", r"A task is written NAME\[:ARGUMENT\]"),
        ("phantom_shapes_2d:64", "takes no argument; 'phantom_shapes_2d:64' came"),
    ],
)
def test_a_wrong_line_is_refused_by_its_reason(line: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        task_of(line)


def test_several_settings_and_a_missing_one() -> None:
    def toy(place: str, *, side: int = 8) -> Any:
        name = spell_task("toy", {"place": place, "side": side})
        return replace(TASKS.build("phantom_shapes_2d"), name=name)

    with TASKS.lend("toy", toy):
        assert task_of("toy:here").name == "toy:here"
        assert task_of("toy:side=9:place=here").name == "toy:here:side=9"
        assert task_of("toy:here:side=8").name == "toy:here"
        with pytest.raises(UserError, match="needs 'place'"):
            task_of("toy")


def test_an_edition_that_bears_the_name_of_another_is_refused() -> None:
    def toy(side: int = 8) -> Any:
        return replace(TASKS.build("phantom_shapes_2d"), name="toy")

    with TASKS.lend("toy", toy):
        assert task_of("toy:8").name == "toy"
        with pytest.raises(UserError, match="should call itself 'toy:9'"):
            task_of("toy:9")


def test_results_of_two_editions_lie_apart_under_names_that_every_file_system_takes() -> None:
    paths = [
        path_of(task_of(line).name, "knn_probe", "simclr", "tiny", 0, "0" * 64)
        for line in ("breastmnist", "breastmnist:64")
    ]
    assert [path.parts[0] for path in paths] == ["breastmnist", "breastmnist_64"]
    made = Pretraining(method="simclr", task="breastmnist:64", budget="tiny", seed=0)
    assert ":" not in made.label
    assert Workshop.of(made).task.name == "breastmnist:64"


def test_a_grid_asks_for_each_edition_once(tmp_path: Path) -> None:
    def toy(count: int = 40) -> Any:
        small = SOURCES.build("phantoms", "shapes_2d", count=count)
        name = spell_task("toy", {"count": count})
        return replace(TASKS.build("phantom_shapes_2d"), name=name, source=small)

    grid = Grid(
        methods=("constant:prediction",),
        tasks=("toy:40", "toy", "toy:count=44", "toy:44"),
        protocols=("knn_probe",),
        seeds=1,
        budget="tiny",
    )
    with TASKS.lend("toy", toy):
        cells = plan(grid, tmp_path).cells
    assert [cell.cell.pretraining.task for cell in cells] == ["toy", "toy:44"]
    assert [cell.path.parts[0] for cell in cells] == ["toy", "toy_44"]
    assert len({cell.request for cell in cells}) == 2


def test_who_asks_for_a_size_gets_it_and_else_the_budget_decides() -> None:
    for line, size in {"breastmnist": 28, "breastmnist:64": 64, "chestmnist:128": 128}.items():
        made = Pretraining(method="random_init", task=line, budget="tiny", seed=0)
        assert Workshop.of(made).order.budget.image_size == size
        assert Workshop.of(made).order.budget.name == "tiny"
