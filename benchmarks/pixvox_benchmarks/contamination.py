"""Contamination: which test cases a backbone was shown, and which cases stand in two splits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.task import SPLITS
from pixvox_registry import prints
from pixvox_registry.artifacts import canonical_json, fingerprint, publish_folder
from pixvox_registry.contracts import Task
from pixvox_registry.errors import UserError
from pixvox_registry.likeness import ALIKE, copies
from pixvox_registry.places import cache_root
from pixvox_registry.prints import NOTHING, SCHEME, UNKNOWN, Prints

SEEN, UNSEEN = "seen", "unseen"
NAMED = 5  # test cases that are told by their ids


def exposure(task: Task, card: Mapping[str, Any]) -> dict[str, Any]:
    """Was the test split of a task shown to a backbone? What its card tells, compared by prints.

    ``state`` is ``seen``, ``unseen`` or ``unknown``. Where the card tells, ``exact`` and ``near``
    count the test cases that are copies of what was shown, and ``ids`` names the first. Nobody
    knows where it does not tell, or where some of it is of other dims: a slice may be in both.

    Raises:
        UserError: the prints that the card names cannot be read.
    """
    told = str(card.get("prints", UNKNOWN))
    shown = {} if told == NOTHING else None if told == UNKNOWN else prints.read(Path(told))
    if shown is None:
        return {"state": UNKNOWN, "n_test": len(ids_of(task, "test"))}
    tested = prints_of(task)["test"]
    found = {"exact": 0, "near": 0, "ids": list[str]()}
    if task.dims in shown:
        alike = copies(tested, shown[task.dims])
        ids = ids_of(task, "test")
        found = {
            "exact": int(alike.exact.sum()),
            "near": int(alike.near.sum()),
            "ids": [ids[row] for row in alike.rows[:NAMED]],
        }
    state = SEEN if found["ids"] else UNKNOWN if shown.keys() - {task.dims} else UNSEEN
    return {"state": state, "n_test": len(tested), **found}


def duplicates(task: Task) -> dict[str, dict[str, int]]:
    """``{"train-test": {"exact": 1, "near": 0}, ...}``: cases of the later split that the earlier
    one has as well, for every two splits.
    """
    told: dict[str, dict[str, int]] = json.loads((_kept(task) / "duplicates.json").read_bytes())
    return told


def prints_of(task: Task) -> dict[str, Prints]:
    """Prints of the cases or scans of every split, in their order; from the cache but once."""
    folder, held = _kept(task), {}
    for split in SPLITS:
        lots = prints.read(folder / f"{split}.safetensors") or {}
        held[split] = lots[task.dims]
    return held


def ids_of(task: Task, split: str) -> tuple[str, ...]:
    """Of the cases or scans of a split."""
    ids: tuple[str, ...] = _cases(task, split).ids
    return ids


def _cases(task: Task, split: str) -> Any:
    return task.scans(split) if isinstance(task, SegmentationTask) else task.cases(split)


def _kept(task: Task) -> Path:
    """``$PIXVOX_CACHE/prints/...``: cells run in processes of their own and share it."""
    key = fingerprint([task.fingerprint(), SCHEME, ALIKE])
    folder = cache_root() / "prints" / key[:32]
    if not _is_whole(folder, task):
        publish_folder(folder, lambda place: _fill(place, task))
    return folder


def _is_whole(folder: Path, task: Task) -> bool:
    """Is what was kept still there, and of this task?"""
    try:
        json.loads((folder / "duplicates.json").read_bytes())
        for split in SPLITS:
            lots = prints.read(folder / f"{split}.safetensors") or {}
            if len(lots[task.dims]) != len(ids_of(task, split)):
                return False
    except (OSError, ValueError, KeyError, UserError):
        return False
    return True


def _fill(place: Path, task: Task) -> None:
    lots = {split: Prints.of_cases(_cases(task, split)) for split in SPLITS}
    for split, lot in lots.items():
        prints.write(place / f"{split}.safetensors", {lot.dims: lot})
    found = {
        f"{one}-{other}": copies(lots[other], lots[one]) for one, other in combinations(SPLITS, 2)
    }
    told = {
        pair: {"exact": int(alike.exact.sum()), "near": int(alike.near.sum())}
        for pair, alike in found.items()
    }
    (place / "duplicates.json").write_bytes(canonical_json(told))
