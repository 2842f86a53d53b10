"""The gate: every recipe against random init of its own backbone, told from result files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pixvox_leaderboards.commands.zoo_check import flat
from pixvox_leaderboards.gate import as_json
from pixvox_leaderboards.reading import read_all

Records = dict[tuple[str, str], dict[str, Any]]


def of(backbone: str, protocol: str) -> dict[str, Any]:
    plugins = {f"backbone/{backbone}": "pixvox 0.1.0", f"protocol/{protocol}": "pixvox 0.1.0"}
    return {"plugins": plugins, "protocol": protocol}


def told(folder: Path) -> Records:
    content = json.loads(as_json(read_all(folder)))
    return {(record["recipe"], record["task"]): record for record in content["records"]}


def test_a_recipe_is_held_against_its_own_backbone(publish: Any, tmp_path: Path) -> None:
    for protocol in ("knn_probe", "linear_probe"):
        for seed in range(2):
            publish("random_init", skill=0.2, seed=seed, **of("resnet", protocol))
            publish("random_init_vit", skill=1.5, seed=seed, **of("vit", protocol))
            publish("simclr", skill=1.5, seed=seed, **of("resnet", protocol))
            publish("mae", skill=1.4, seed=seed, **of("vit", protocol))
            publish("odd", skill=1.4, seed=seed, **of("other", protocol))
    found = told(tmp_path / "results")
    simclr, mae, odd = (
        found[name, "toy"]["scores"]["knn_probe"] for name in ("simclr", "mae", "odd")
    )
    assert (simclr["floor"], simclr["above"]) == ("random_init", "clearly")
    assert (mae["floor"], mae["above"]) == ("random_init_vit", "no")
    assert (odd["floor"], odd["above"]) == ("", "unknown")
    assert found["simclr", "toy"]["seeds"] == [0, 1]
    line = flat(found["simclr", "toy"])
    assert line["above linear_probe"] == "clearly"


def test_health_and_cost_are_of_all_seeds(publish: Any, tmp_path: Path) -> None:
    for seed in range(2):
        cost = {"wall_seconds": 10.0 + seed, "images_per_second": 100.0, "peak_memory_mb": 500.0}
        publish(
            "simclr",
            seed=seed,
            health={"embedding_std": 0.5 + seed / 10, "rankme": 4.0},
            provenance={"commit": "0123456789abcdef", "dirty": "", "weights": cost, "at": ""},
            collapsed=seed == 1,
            **of("resnet", "knn_probe"),
        )
    record = told(tmp_path / "results")["simclr", "toy"]
    assert (record["embedding_std"], record["rankme"], record["occupancy"]) == (0.55, 4.0, None)
    assert (record["wall_seconds"], record["images_per_second"]) == (11.0, 100.0)
    assert record["collapsed"]


def test_the_same_files_give_the_same_bytes(publish: Any, tmp_path: Path) -> None:
    for method in ("random_init", "simclr"):
        publish(method, **of("resnet", "knn_probe"))
    readings = read_all(tmp_path / "results")
    assert as_json(readings) == as_json(readings[::-1])
