"""The gate: every recipe against random init of its own backbone, told from result files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pixvox_leaderboards.commands.zoo_gate import flat
from pixvox_leaderboards.gate import as_json, chosen
from pixvox_leaderboards.reading import read_all
from pixvox_registry import COMMANDS, UserError
from pixvox_registry.budgets import budget

Records = dict[tuple[str, str], dict[str, Any]]


def of(backbone: str, protocol: str, *, within: str = "") -> dict[str, Any]:
    """Made of the plugins ``within`` and ``backbone``, of which the latter was measured."""
    trained = {f"backbone/{name}": "pixvox 0.1.0" for name in (within, backbone) if name}
    provenance = {"commit": "0123456789abcdef", "dirty": "", "weights": {"backbone": backbone}}
    return {
        "plugins": {**trained, f"protocol/{protocol}": "pixvox 0.1.0"},
        "protocol": protocol,
        "provenance": {**provenance, "at": ""},
    }


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
            publish("random_init_stack", skill=1.0, seed=seed, **of("stack", protocol))
            publish("joint", skill=1.5, seed=seed, **of("stack", protocol, within="resnet"))
    found = told(tmp_path / "results")
    simclr, mae, odd, joint = (
        found[name, "toy"]["scores"]["knn_probe"] for name in ("simclr", "mae", "odd", "joint")
    )
    assert (simclr["floor"], simclr["above"]) == ("random_init", "clearly")
    assert (mae["floor"], mae["above"]) == ("random_init_vit", "no")
    assert (odd["floor"], odd["above"]) == ("", "unknown")
    assert (joint["floor"], joint["above"]) == ("random_init_stack", "yes")
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
            collapsed=seed == 1,
            provenance={"commit": "0123456789abcdef", "dirty": "", "weights": cost, "at": ""},
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


def test_budgets_stand_apart_and_what_is_stale_is_left_out(publish: Any, tmp_path: Path) -> None:
    both = of("resnet", "knn_probe")
    tiny = {**budget("small", 2).facts(), "name": "tiny"}
    publish("simclr", skill=1.5, **both)
    publish("simclr", skill=0.1, **both, budget=tiny)
    publish("simclr", skill=1.4, task_version="0", at="2025-01-01T00:00:00+00:00", **both)
    content = json.loads(as_json(read_all(tmp_path / "results")))
    found = [(r["budget"]["name"], r["scores"]["knn_probe"]["mean"]) for r in content["records"]]
    assert [name for name, _ in found] == ["small", "tiny"]
    assert found[0][1] > 0.9 > 0.7 > found[1][1]


def test_a_budget_and_protocols_may_be_chosen(publish: Any, tmp_path: Path) -> None:
    tiny = {**budget("small", 2).facts(), "name": "tiny"}
    for protocol in ("knn_probe", "linear_probe", "finetune"):
        publish("simclr", **of("resnet", protocol))
        publish("simclr", **of("resnet", protocol), budget=tiny)
    readings = read_all(tmp_path / "results")
    found = chosen(readings, "tiny", ("finetune", "knn_probe"))
    kinds = {(reading.result.budget["name"], reading.result.protocol) for reading in found}
    assert kinds == {("tiny", "finetune"), ("tiny", "knn_probe")}
    assert chosen(readings) == list(readings)
    with pytest.raises(UserError, match="budget brief and protocols any; there are small finetune"):
        chosen(readings, "brief")
    out = tmp_path / "check.json"
    COMMANDS.get("zoo_gate")(tmp_path / "results", budget="tiny", protocol=["finetune"], out=out)
    assert out.read_bytes() == as_json(chosen(readings, "tiny", ["finetune"]))


def test_a_recipe_with_one_protocol_alone_is_told_too(publish: Any, tmp_path: Path) -> None:
    publish("simclr", **of("resnet", "knn_probe"))
    publish("mae", **of("vit", "linear_probe"))
    found = told(tmp_path / "results")
    assert found["mae", "toy"]["scores"]["knn_probe"] is None
    assert found["simclr", "toy"]["scores"]["linear_probe"] is None
