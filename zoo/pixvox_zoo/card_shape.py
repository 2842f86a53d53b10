"""The shape of a card of weights: which keys it has, and what stands there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixvox_registry.errors import UserError

MOST = 1 << 12  # pixels of a side, and channels
SMALLEST, LARGEST = 1.2e-38, 3.4e38  # of the numbers that float32 holds whole
SCORE = ("task", "protocol", "metric", "score")  # what a list of weights tells of one
NOTHING = object()


@dataclass(frozen=True)
class Wanted:
    """What may stand in a place of a card: in words, and as a test."""

    told: str
    holds: Callable[[Any], bool]


def check_shape(card: Mapping[str, Any], file: Path) -> None:
    """Refuse a card that lacks what loading, packing and listing read, or has it of another kind.

    Raises:
        UserError: names the first key at fault, what was wanted, and what stands there.
    """
    _check(card, file, REQUIRED)
    _check(card, file, {key: OPTIONAL[key] for key in OPTIONAL if _at(card, key) is not NOTHING})
    _check(card, file, scale_of(card["facts"]["in_channels"]))


def is_number(value: Any) -> bool:
    """Neither NaN nor infinite, also as float32."""
    return type(value) in (int, float) and abs(value) <= LARGEST


def are_numbers(values: Any, count: int) -> bool:
    """A list of so many numbers."""
    return type(values) is list and len(values) == count and all(map(is_number, values))


def scale_of(channels: int) -> dict[str, Wanted]:
    """The intensity of images of so many channels."""
    each = f"a list of {channels}, one for each channel"
    return {
        "intensity.mean": Wanted(f"{each}, of numbers", lambda v: are_numbers(v, channels)),
        "intensity.std": Wanted(
            f"{each}, of numbers above 0",
            lambda v: are_numbers(v, channels) and min(v) >= SMALLEST,
        ),
        "intensity.value_range": Wanted(
            "a list of two numbers, black below white", lambda v: are_numbers(v, 2) and v[0] < v[1]
        ),
    }


def _is_digests(value: Any) -> bool:
    return type(value) is dict and all(
        type(told) is str and re.fullmatch("[0-9a-f]{64}", told) for told in value.values()
    )


def _is_score(value: Any) -> bool:
    return (
        type(value) is dict
        and all(type(value.get(key)) is str for key in SCORE[:-1])
        and is_number(value.get("score"))
    )


TEXT = Wanted("a text", lambda v: type(v) is str)
OBJECT = Wanted("an object", lambda v: type(v) is dict)
COUNT = Wanted("a whole number", lambda v: type(v) is int and v >= 0)
SIDE = Wanted(f"a whole number from 1 to {MOST:,}", lambda v: type(v) is int and 1 <= v <= MOST)
SCALE = Wanted(
    "an object of mean, std and value_range",
    lambda v: type(v) is dict and v.keys() == {"mean", "std", "value_range"},
)
REQUIRED = {  # what holds others stands before them
    "name": TEXT,
    "image_size": SIDE,
    "parameters": COUNT,
    "sha256": Wanted("an object of sha256 by the names of files", _is_digests),
    "backbone": OBJECT,
    "backbone.name": TEXT,
    "backbone.settings": OBJECT,
    "facts": OBJECT,
    "facts.dims": Wanted("2 or 3", lambda v: type(v) is int and v in (2, 3)),
    "facts.in_channels": SIDE,
    "facts.image_size": SIDE,
    "intensity": SCALE,
    "data": OBJECT,
    "data.dataset": TEXT,
    "recipe": OBJECT,
    "recipe.title": TEXT,
    "recipe.sha256": TEXT,
}
OPTIONAL = {
    "facts.width": Wanted("a number above 0", lambda v: is_number(v) and v > 0),
    "facts.stem": TEXT,
    "data.prints": TEXT,
    "recipe.family": TEXT,
    "version": TEXT,
    "distribution": TEXT,
    "licence": TEXT,
    "made_from": TEXT,
    "health": Wanted(
        "an object of numbers", lambda v: type(v) is dict and all(map(is_number, v.values()))
    ),
    "beside": Wanted(
        "a list of objects with a dataset",
        lambda v: type(v) is list and all(type(one) is dict and "dataset" in one for one in v),
    ),
    "scores": Wanted(
        f"a list of objects with {', '.join(SCORE)}",
        lambda v: type(v) is list and all(map(_is_score, v)),
    ),
}


def _check(card: Mapping[str, Any], file: Path, wanted: Mapping[str, Wanted]) -> None:
    for key, kind in wanted.items():
        held = _at(card, key)
        if held is NOTHING or not kind.holds(held):
            came = "nothing" if held is NOTHING else f"{held!r:.60}"
            raise UserError(
                f"{file} is no card of weights: {key} should be {kind.told}, and {came} stands "
                "there. Fetch the weights again."
            )


def _at(card: Mapping[str, Any], key: str) -> Any:
    """What stands under a dotted key, or that nothing does."""
    held: Any = card
    for part in key.split("."):
        held = held.get(part, NOTHING) if isinstance(held, Mapping) else NOTHING
    return held
