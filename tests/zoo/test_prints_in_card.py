"""Weights say which cases they were shown: by prints of their own, or that nobody knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from pixvox_registry import UserError, prints
from pixvox_registry.budgets import budget
from pixvox_registry.order import Beside, Order
from pixvox_registry.prints import Prints
from pixvox_registry.source_spec import build_source
from pixvox_zoo import weights, weights_card
from pixvox_zoo.border import parse
from pixvox_zoo.card import prints_of
from pixvox_zoo.pretraining import pretrain
from pixvox_zoo.recipe import Recipe
from pixvox_zoo.slice_source import SliceSource

from .card_editing import rewrite

FLAT = build_source("phantoms:shapes_2d,count=24")
DEEP = build_source("phantoms:shapes_3d,count=16")


def recipe_of(epochs: float = 1) -> Recipe:
    agree = {"projector": {"name": "toy"}, "loss": {"name": "toy_agree"}}
    raw = {"views": {"name": "toy"}, "backbone": {"name": "toy"}, "epochs": epochs}
    return parse("toy", raw | {"objectives": {"agree": agree}})


def order_of(**changes: Any) -> Order:
    small = replace(budget("tiny", 2), seen=16, batch=8, image_size=8)
    order = Order(method="toy", source=FLAT, split="train", budget=small, seed=0, flips=())
    return replace(order, **changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pretrain(recipe_of(), order_of(), tmp_path / "run", quiet=True)


def test_the_prints_are_of_the_cases_as_they_are_stored(folder: Path, tmp_path: Path) -> None:
    told = weights.load(folder).card["prints"]
    held = prints.read(Path(told))
    stored = Prints.of_cases(FLAT.cases("train"))
    assert held is not None and list(held) == [2]
    assert held[2].exact.tolist() == stored.exact.tolist()
    assert len(set(stored.exact.tolist())) == len(FLAT.cases("train"))
    again = pretrain(recipe_of(), order_of(), tmp_path / "again", quiet=True)
    assert (again / weights_card.PRINTS).read_bytes() == (folder / weights_card.PRINTS).read_bytes()


def test_all_sources_are_in_it_and_slices_stand_for_their_volumes() -> None:
    beside = Beside(source=DEEP, split="val", batch=4)
    held = prints_of(recipe_of(), order_of(beside=(beside,)))
    assert {dims: len(lot) for dims, lot in held.items()} == {
        2: len(FLAT.cases("train")),
        3: len(DEEP.cases("val")),
    }
    sliced = prints_of(recipe_of(), order_of(source=SliceSource(DEEP)))
    assert sliced[3].exact.tolist() == Prints.of_cases(DEEP.cases("train")).exact.tolist()


def test_weights_that_were_shown_nothing_say_so(tmp_path: Path) -> None:
    made = pretrain(recipe_of(epochs=0), order_of(), tmp_path / "run", quiet=True)
    assert weights.load(made).card["prints"] == prints.NOTHING
    assert not (made / weights_card.PRINTS).exists()


def test_old_weights_load_and_nobody_knows(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    sha256 = {
        name: digest for name, digest in card["sha256"].items() if name != weights_card.PRINTS
    }
    data = {name: value for name, value in card["data"].items() if name != "prints"}
    (folder / weights_card.PRINTS).unlink()
    rewrite(folder, {"data": data, "sha256": sha256}, older=True)
    assert weights.load(folder).card["prints"] == prints.UNKNOWN


def forged(folder: Path) -> None:
    file = folder / weights_card.PRINTS
    tensors = load_file(file)
    tensors["exact_2d"][0] += 1
    save_file(tensors, file, metadata={"scheme": prints.SCHEME})


def missing(folder: Path) -> None:
    (folder / weights_card.PRINTS).unlink()


def unlisted(folder: Path) -> None:
    data = weights_card.read_card(folder)["data"]
    rewrite(folder, {"data": {**data, "prints": "../elsewhere.safetensors"}})


@pytest.mark.parametrize(
    ("fault", "words"),
    [(forged, "another sha256"), (missing, "lacks cases"), (unlisted, "gives no sha256")],
)
def test_prints_that_lie_are_refused(folder: Path, fault: Any, words: str) -> None:
    fault(folder)
    with pytest.raises(UserError, match=words):
        weights.load(folder)


def test_undeclared_is_no_empty_list(tmp_path: Path) -> None:
    told: Mapping[str, Any] = {"none": {}, "undeclared": None}
    assert weights_card.prints_told(told["none"]) == prints.NOTHING
    assert weights_card.prints_told(told["undeclared"]) == prints.UNKNOWN
