"""The gate takes the tasks whose data is here, and says which are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixvox_benchmarks.commands.zoo_check import GATE, those_here
from pixvox_registry import UserError
from pixvox_registry.places import data_root


def test_tasks_without_data_are_said_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path))
    with pytest.raises(UserError, match="data of one task at least"):
        those_here()
    said = capsys.readouterr().err
    assert all(f"{name} is left out: " in said for name in GATE)


def test_tasks_with_data_are_taken() -> None:
    if not (data_root() / "Task04_Hippocampus").is_dir():
        pytest.skip("PIXVOX_DATA has no Task04_Hippocampus")
    assert those_here() == GATE
