"""A second pass over data takes its cases from the cache, and that pays."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixvox_registry import METERS
from pixvox_registry.meters import second_pass


@pytest.mark.parametrize("dims", [2, 3])
def test_the_second_pass_is_ten_times_faster_than_reading_the_files(
    dims: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXVOX_DATA", str(tmp_path / "nothing"))
    monkeypatch.setattr(second_pass, "FILES", 100)
    monkeypatch.setattr(second_pass, "SIDES", {2: (256, 256, 3), 3: (48, 48, 48)})
    (row,) = METERS.get("second_pass")(None, dims, 0.5)
    assert row["what"] == f"second_pass_{dims}d" and "100 cases" in row["unit"]
    assert row["ratio"] == pytest.approx(row["ours"] / row["other"])
    assert row["ratio"] >= 10
    assert not (tmp_path / "cache").exists()  # it measured in a cache of its own


@pytest.mark.slow
def test_real_data_sets_are_ten_times_faster_too(real_data: Path) -> None:
    for dims in (2, 3):
        _, *real = METERS.get("second_pass")(None, dims, 2.0)
        assert all(row["ratio"] >= 10 for row in real), real
