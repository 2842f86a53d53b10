"""The boards in this repository are what its result files say, to the byte."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pixvox_leaderboards import outputs
from pixvox_leaderboards.board import Board, board_of
from pixvox_leaderboards.gate import as_json, chosen
from pixvox_leaderboards.reading import files_of, read_all
from pixvox_leaderboards.released import released
from pixvox_leaderboards.verify import examine

ROOT = Path(__file__).parents[2]
HOME = ROOT / "leaderboards"
STUDIES = sorted(results.parent for results in HOME.glob("studies/*/results"))


@pytest.fixture(scope="module")
def board() -> Board:
    return board_of(HOME / "results")


def test_committed_boards_are_what_the_results_say(board: Board, tmp_path: Path) -> None:
    """Not the picture: its bytes hang on the version of matplotlib, too."""
    names = released(ROOT / "zoo" / "weights")
    made = outputs.texts(board, names)
    readme = Path(shutil.copy(ROOT / "README.md", tmp_path))
    outputs.renew(readme, board, tmp_path / "leaderboards")
    stale = [name for name, content in made.items() if (HOME / name).read_bytes() != content]
    families = Path(shutil.copy(HOME / "README.md", tmp_path / "families.md"))
    outputs.renew_families(families, board, tmp_path, names)
    is_renewed = families.read_bytes() == (HOME / "README.md").read_bytes()
    stale += ["leaderboards/README.md"] * (not is_renewed)
    stale += ["README.md"] * (readme.read_bytes() != (ROOT / "README.md").read_bytes())
    assert not stale, f"{', '.join(stale)}: run `make boards` and commit what it changes"


def test_the_gate_of_the_zoo_is_what_the_results_say() -> None:
    probes = ("knn_probe", "linear_probe")
    made = as_json(chosen(read_all(HOME / "results"), "brief", probes))
    is_fresh = (ROOT / "zoo" / "check.json").read_bytes() == made
    assert is_fresh, "zoo/check.json: run `make boards` and commit what it changes"


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_boards_of_studies_are_what_their_results_say(study: Path) -> None:
    made = outputs.texts(board_of(study / "results"))
    stale = [name for name, content in made.items() if (study / name).read_bytes() != content]
    assert not stale, f"{study.name}: {', '.join(stale)}: run `make boards` and commit them"


@pytest.mark.parametrize("home", [HOME, *STUDIES], ids=lambda home: home.name)
def test_every_committed_result_is_verified(home: Path) -> None:
    findings = [examine(file) for file in files_of(home / "results")]
    wrong = [s for found in findings for s in (found.fault, *found.unchecked) if s]
    assert not wrong, "\n".join(wrong)
