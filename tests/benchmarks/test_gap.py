"""A gap says why there is no number; it is no result, and an edited one is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pixvox_benchmarks.gap import NO_DATA, NOT_APPLICABLE, Gap, gaps_below
from pixvox_benchmarks.result import results_below
from pixvox_registry import UserError
from pixvox_registry.artifacts import canonical_json, fingerprint

ABSENT = Gap(task="chestmnist", protocol=None, state=NO_DATA, why="chestmnist.npz is not here.")
SCARCE = Gap(
    task="breastmnist:64", protocol="knn_probe@1%", state=NOT_APPLICABLE, why="One case is left."
)


def test_a_gap_is_a_file_that_no_result_is_taken_for(tmp_path: Path) -> None:
    assert ABSENT.write(tmp_path) and SCARCE.write(tmp_path)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.json")}
    assert not ABSENT.write(tmp_path) and not SCARCE.write(tmp_path)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.json")} == before
    assert len(before) == 2 and results_below(tmp_path) == []
    assert gaps_below(tmp_path) == [ABSENT, SCARCE]
    assert Gap.read(tmp_path / SCARCE.path) == SCARCE


def test_a_new_reason_replaces_the_old_one(tmp_path: Path) -> None:
    ABSENT.write(tmp_path)
    other = Gap(task="chestmnist", protocol=None, state=NO_DATA, why="Its licence forbids it.")
    assert other.write(tmp_path)
    assert gaps_below(tmp_path) == [other]


def test_copies_of_a_gap_count_once(tmp_path: Path) -> None:
    for name in ("one", "two"):
        ABSENT.write(tmp_path / name)
    assert gaps_below(tmp_path) == [ABSENT]


def sealed(facts: dict[str, Any]) -> bytes:
    return canonical_json({**facts, "sha256": fingerprint(facts)})


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda facts: canonical_json({**facts, "why": "Other.", "sha256": "0" * 64}), "edited"),
        (lambda facts: sealed({**facts, "why": 7}), "text"),
        (lambda facts: sealed({**facts, "state": "nothing"}), "wants a task, a state"),
        (lambda facts: sealed({**facts, "mood": "grim"}), "no gap"),
        (lambda facts: json.dumps({**facts, "sha256": fingerprint(facts)}).encode(), "edited"),
        (lambda facts: b"[1]", "no gap"),
        (lambda facts: b"{", "not a gap's JSON"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(fault: Any, message: str, tmp_path: Path) -> None:
    ABSENT.write(tmp_path)
    file = tmp_path / ABSENT.path
    facts = json.loads(file.read_bytes())
    del facts["sha256"]
    assert file.read_bytes() == sealed(facts)
    file.write_bytes(fault(facts))
    with pytest.raises(UserError, match=message):
        gaps_below(tmp_path)


@pytest.mark.parametrize("change", [{"state": "absent"}, {"why": " "}, {"task": ""}])
def test_a_gap_without_state_reason_or_task_is_none(change: dict[str, str]) -> None:
    facts: dict[str, Any] = {"task": "toy", "protocol": None, "state": NO_DATA, "why": "Why."}
    with pytest.raises(UserError, match="wants a task, a state"):
        Gap(**{**facts, **change})
