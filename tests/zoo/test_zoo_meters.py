"""The meters of the zoo's own parts: rows hold both sides and what they were measured on."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pixvox_registry import METERS
from pixvox_zoo.meters import clustering, fusion, masking


def test_clustering_races_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "ROWS", 200)
    monkeypatch.setattr(clustering, "CLUSTERS", 4)
    kmeans, balanced = METERS.get("clustering")(None, 2, 0.01)
    assert kmeans["ratio"] == pytest.approx(kmeans["other"] / kmeans["ours"])
    assert "200 x 128, 4 clusters" in kmeans["unit"] and balanced["ours"] > 0


@pytest.mark.parametrize("dims", [2, 3])
def test_masking_compares_with_the_whole_image(monkeypatch: pytest.MonkeyPatch, dims: int) -> None:
    monkeypatch.setattr(masking, "CASES", {2: 4, 3: 1})
    half, most = METERS.get("masking")(None, dims, 0.2)
    assert (half["what"], most["what"]) == ("masked_50_share_of_full", "masked_75_share_of_full")
    assert most["ratio"] == pytest.approx(most["ours"] / most["other"])


def test_fusion_compares_with_the_slices_that_it_fuses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, small in (("VOLUMES", 1), ("SLICES", 8), ("SIZE", 32)):
        monkeypatch.setattr(fusion, name, small)
    rows = METERS.get("fusion")(None, 3, 0.1)
    assert [row["what"] for row in rows][-1] == "mean_over_slices"
    assert all(row["ratio"] == pytest.approx(row["ours"] / row["other"]) for row in rows)
    assert rows[-1]["ratio"] < rows[0]["ratio"] and "1 x 8 slices of 32 px" in rows[0]["unit"]


@pytest.mark.slow
def test_masking_three_quarters_leaves_less_than_half_of_the_cost() -> None:
    _, most = METERS.get("masking")(None, 2, 5.0)
    assert most["ratio"] <= 0.45


@pytest.mark.slow
def test_speed_tells_of_every_recipe_and_of_memory() -> None:
    command = [sys.executable, "-m", "pixvox_registry", "speed", "dino", "--only=step", "--json"]
    done = subprocess.run([*command, "--seconds=1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert 0 < told["fraction_of_bare_step"] < 2
    (memory,) = (row for row in told["meters"]["step"] if row["what"] == "peak_memory")
    assert memory["ours"] >= memory["other"] > 100
