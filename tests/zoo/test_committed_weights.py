"""The wheels in this repository are small, free to use and measured, and they load."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

import pixvox_zoo
from pixvox_registry import UserError
from pixvox_registry.wheels import cards_in
from pixvox_zoo.packing import PREFIX
from pixvox_zoo.wheels_page import page

FOLDER = Path(__file__).parents[2] / "zoo" / "weights"
BOARD = Path("leaderboards/board.json")
WHEELS = sorted(FOLDER.glob("*.whl"))
MOST_MB, MOST_TOGETHER_MB = 25, 120


def test_their_page_is_what_their_cards_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER.parents[1])
    assert (FOLDER / "README.md").read_text() == page(Path("zoo/weights"), BOARD), (
        "run `make boards` and commit"
    )


def test_they_are_small_and_of_every_kind() -> None:
    sizes = [wheel.stat().st_size / 1e6 for wheel in WHEELS]
    assert max(sizes) <= MOST_MB and sum(sizes) <= MOST_TOGETHER_MB
    cards = list(cards_in(FOLDER).values())
    assert len({card["name"] for card in cards}) == len(cards) >= 8
    kinds = {(card["facts"]["dims"], card["recipe"]["family"]) for card in cards}
    for dims in (2, 3):
        assert {(dims, "contrast"), (dims, "masked")} <= kinds
    assert {(2, "clustering"), (3, "joint"), (3, "restoration")} <= kinds
    assert not any(card["collapsed"] for card in cards)


@pytest.mark.parametrize("wheel", WHEELS, ids=lambda wheel: wheel.stem.split("-")[0])
def test_each_loads_is_measured_and_says_its_terms(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    (package,) = tmp_path.glob(f"{PREFIX.replace('-', '_')}*/card.json")
    loaded = pixvox_zoo.load(package.parent)
    card = loaded.card
    assert card["stored"] == "float16" and not card["provenance"]["dirty"]
    assert card["scores"] and all(one["n"] for one in card["scores"])
    terms = [source["licence"] for source in (card["data"], *card.get("beside", ()))]
    assert all(term.startswith(("CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0")) for term in terms)
    assert card["licence"] in (package.parent / "LICENSE").read_text()


def test_a_card_of_another_hand_has_no_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "other-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("other/card.json", '{"name": "other", "sha256": {}}')
    with pytest.raises(UserError, match="lacks 'data'"):
        page(tmp_path)


def test_a_folder_that_is_not_there_has_no_page(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        page(tmp_path / "none")
