"""The page of the tasks: every card stands on it, and the committed one is today's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.commands.tasks_page import tasks_page
from pixvox_benchmarks.tasks_page import page
from pixvox_registry import TASKS
from pixvox_registry.medmnist_table import table

ROOT = Path(__file__).parents[2]


def rows() -> dict[str, list[str]]:
    """``{task: cells}``."""
    lines = [line for line in page().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].split("`")[1]: row for row in cells}


def test_every_task_has_a_row_with_its_card() -> None:
    found = rows()
    assert set(found) == set(TASKS)
    for name, row in found.items():
        task: Any = TASKS.build(name)
        assert row[4] == task.units and row[6] == task.metrics[0]
        assert row[7] == task.licence and row[8] == f"`{task.source.name}`"
        assert (row[5] == "never") == (not task.flips)
    assert found["adrenalmnist3d"][5] == "feet and head; back and front; left and right"
    assert found["breastmnist"][5] == "left and right"


def test_official_sizes_stand_beside_the_name() -> None:
    found = rows()
    for flag, entry in table().sets.items():
        wanted = " ".join(f"`:{size}`" for size in entry.md5 if size != "28")
        assert found[flag][0] == f"`{flag}` {wanted}"
    assert found["pneumoniamnist_reconstructed"][0] == "`pneumoniamnist_reconstructed`"


def test_counts_of_committed_lists_are_those_of_the_lists() -> None:
    lists = ROOT / "registry" / "pixvox_registry"
    found = rows()
    for task, file in {
        "isic2017": "isic2017.json",
        "isic2017_lesion": "isic2017.json",
        "dsb2018_nuclei": "splits/dsb2018.json",
        **{
            f"mmwhs_{m}_{w}": f"splits/mmwhs_{m}_{w}.json"
            for m in ("ct", "mr")
            for w in ("heart", "left_atrium")
        },
    }.items():
        listed = json.loads((lists / file).read_text())
        counts = " / ".join(str(len(listed[split])) for split in ("train", "val", "test"))
        assert found[task][2].startswith(counts), task


def test_the_committed_page_is_todays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "TASKS.md"
    tasks_page(out=file)
    assert "wrote" in capsys.readouterr().err
    tasks_page(out=file)
    assert capsys.readouterr().err == ""
    assert (ROOT / "benchmarks" / "TASKS.md").read_text() == file.read_text(), "make boards"
