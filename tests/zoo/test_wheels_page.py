"""The page of wheels: each score beside that of random init, and what nobody verified."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pixvox_registry import COMMANDS, UserError
from pixvox_zoo.card_text import doubt
from pixvox_zoo.wheels_page import page

PLACE = {"budget": "small", "task": "toy", "protocol": "knn_probe"}


def record(method: str, mean: float, **facts: Any) -> dict[str, Any]:
    told = {"metric": "auc", "ranks": True, "stale": False, "marks": [], "random_init": None}
    return {**PLACE, **told, "method": method, "mean": mean, "keys": [method], **facts}


def score(key: str, score: float) -> dict[str, Any]:
    told = {"metric": "auc", "low": 0.1, "high": 0.9, "contamination": "unseen"}
    return {**PLACE, **told, "key": key, "score": score}


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """One wheel, measured five times."""
    card = {
        "name": "toy",
        "sha256": {},
        "recipe": {"title": "Toy", "family": "contrast"},
        "facts": {"dims": 2},
        "backbone": {"name": "unet"},
        "parameters": 1_000_000,
        "stored": "float16",
        "data": {"dataset": "toys", "verified": False, "sha256": "8adc2319716dd06a"},
        "beside": [{"dataset": "more", "verified": True}],
        "budget": {"seen": 10},
        "image_size": 28,
        "provenance": {"wall_seconds": 1},
        "scores": [score(key, 0.5) for key in ("same", "worse", "good", "alone", "unknown")],
        "licence": "CC0-1.0",
    }
    with zipfile.ZipFile(tmp_path / "toy-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("toy/card.json", json.dumps(card))
    return tmp_path


@pytest.fixture
def board(tmp_path: Path) -> Path:
    own = {"random_init": "random_init_unet"}
    records = [
        record("same", 0.5, marks=["not_better_than_random_init", "unverified_data"], **own),
        record("worse", 0.5, marks=["worse_than_random_init"], **own),
        record("good", 0.5, **own),
        record("alone", 0.5, marks=["collapsed"]),
        record("random_init", 0.9),
        record("random_init_unet", 0.4, ranks=False, metric="accuracy"),
        record("random_init_unet", 0.625),
        record("random_init_unet", 0.3, stale=True),
        record("random_init_unet", 0.2, budget="brief"),
    ]
    file = tmp_path / "boards" / "board.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"records": records}))
    return file


def test_each_score_stands_beside_random_init_of_its_backbone(wheels: Path, board: Path) -> None:
    (cell,) = [cell for cell in page(wheels, board).split("|") if "auc" in cell]
    assert [line.partition("]")[2].strip() for line in cell.split("<br>")] == [
        "; random init 0.625 †",
        "; random init 0.625 ††",
        "; random init 0.625",
        "; random init not measured ‡",
        "",
    ]
    assert "](boards/families.md)" in page(wheels, board)


def test_unverified_data_is_said_and_which(wheels: Path) -> None:
    assert "| toys (unverified data, sha256 8adc2319716d), more " in page(wheels)
    assert doubt({}) == " (unverified data)", "what a card does not say is not verified"


def test_without_a_board_there_is_a_page_and_a_word(
    wheels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    COMMANDS.get("zoo_wheels")(wheels, board=wheels / "none.json")
    assert "no score of random init" in capsys.readouterr().err
    assert "random init" not in (wheels / "README.md").read_text()


@pytest.mark.parametrize("text", ["", "[]", '{"records": [{"ranks": true}]}'])
def test_what_is_no_board_is_told(wheels: Path, text: str) -> None:
    (wheels / "board.json").write_text(text)
    with pytest.raises(UserError, match=r"should be the board\.json of"):
        page(wheels, wheels / "board.json")
