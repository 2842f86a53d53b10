"""Standing: what a board says of a score, beside the score of random init on the same task."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixvox_registry.errors import UserError

SIGNS = {"not_better_than_random_init": "†", "worse_than_random_init": "††", "collapsed": "‡"}
PLACE = ("budget", "task", "protocol", "metric")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Of one row of a board.

    Args:
        random_init: the score of the same backbone without pretraining; None where there is none.
        marks: as the board has them.
    """

    random_init: float | None
    marks: Sequence[str]

    @property
    def text(self) -> str:
        """``; random init 0.806 †``, as it follows a score."""
        signs = "".join(sign for mark, sign in SIGNS.items() if mark in self.marks)
        floor = "not measured" if self.random_init is None else f"{self.random_init:.3f}"
        return f"; random init {floor} {signs}".rstrip()


def standings(board: Path) -> dict[str, Standing]:
    """By the key of a result, for all rows of today, by the metric that ranks.

    Raises:
        UserError: the file is no ``board.json`` that tells which random init a row is held against.
    """
    try:
        records = [one for one in json.loads(board.read_bytes())["records"] if one["ranks"]]
        rows = [one for one in records if not one["stale"]]
        means = {(*_place(one), one["method"]): one["mean"] for one in rows}
        return {
            key: Standing(
                random_init=means.get((*_place(one), one["random_init"])), marks=one["marks"]
            )
            for one in rows
            for key in one["keys"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{board} should be the board.json of `pixvox board RESULTS --out DIR`; it is not: "
            f"{type(error).__name__} {error}. Make it anew."
        ) from None


def _place(record: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(record[name] for name in PLACE)
