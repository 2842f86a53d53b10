"""Every task of the registry: what its card must say, and what it does where no data is."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.task_line import task_of
from pixvox_registry import METRICS, TASKS, UserError
from pixvox_registry.errors import NoData
from pixvox_registry.medmnist_table import table
from pixvox_registry.source_spec import build_source

NAMES = list(TASKS)
SETS = table().sets
UNITS = {"patient", "study", "image"}


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_whole(name: str) -> None:
    task: Any = TASKS.build(name)
    assert task.name == name and task.version
    assert task.licence and task.licence != "unknown"
    assert task.units in UNITS
    assert task.metrics and set(task.metrics) <= set(METRICS)
    assert len(set(task.metrics)) == len(task.metrics)
    assert len(set(task.flips)) == len(task.flips) and set(task.flips) <= set(range(task.dims))
    told = task.structures if hasattr(task, "structures") else task.classes
    assert len(set(told)) == len(told) > 0 and all(told)
    said = TASKS.get(name)
    assert said.__doc__ and said.__doc__.strip().splitlines()[0].endswith(".")
    source = (sys.modules[said.__module__].__doc__ or "").splitlines()[0]
    assert re.search(r"\((.*\d{4}.*|BBBC\d+)\)\.$|not downloaded\.$", source), source


@pytest.mark.parametrize("name", NAMES)
def test_without_data_it_is_built_and_says_what_is_missing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path / "nothing"))
    task: Any = TASKS.build(name)
    if name.startswith("phantom"):
        return
    read = task.scans if hasattr(task, "structures") else task.cases
    with pytest.raises(NoData, match=str(tmp_path)):
        read("train")
    with pytest.raises(NoData):
        task.source.facts()


@pytest.mark.parametrize("name", [name for name in NAMES if "phantom" not in name])
def test_a_source_line_is_one_that_the_command_line_reads(name: str) -> None:
    line = TASKS.build(name).source.name
    assert build_source(line).name == line


def test_every_set_of_medmnist_is_a_task_in_every_official_size() -> None:
    assert {name for name in NAMES if name in SETS} == set(SETS) and len(SETS) == 18
    for flag, entry in SETS.items():
        for size in entry.md5:
            task: Any = task_of(f"{flag}:{size}")
            assert task.classes == tuple(entry.classes) and task.dims == entry.dims
            assert task.licence == entry.licence and task.source.size == int(size)
        with pytest.raises(UserError, match="comes in the sizes"):
            task_of(f"{flag}:27")


@pytest.mark.parametrize("flag", SETS)
def test_counts_in_the_docstring_are_the_published_ones(flag: str) -> None:
    counts = " / ".join(str(count) for count in SETS[flag].cases.values())
    assert (TASKS.get(flag).__doc__ or "").startswith(f"{counts} ")


@pytest.mark.parametrize("flag", [flag for flag in SETS if "chest" in flag or "organ" in flag])
def test_what_has_a_side_is_not_mirrored(flag: str) -> None:
    assert TASKS.build(flag).flips == ()


def test_an_ordinal_set_is_also_scored_by_agreement() -> None:
    assert "cohen_kappa" in TASKS.build("retinamnist").metrics
