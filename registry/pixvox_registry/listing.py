"""Lists of splits: which cases a JSON file names, and where they stand among those of a folder."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pixvox_registry.decoded import folder_of, some
from pixvox_registry.errors import NoData, UserError, unknown
from pixvox_registry.places import data_root

LISTS = Path(__file__).parent / "splits"  # of data sets that bring none


def found_folder(path: str, kind: str) -> Path:
    """The folder itself, or the one of this name below ``$PIXVOX_DATA``.

    Raises:
        NoData: there is neither.
    """
    here = Path(path).expanduser()
    return folder_of(str(here if here.is_dir() else data_root() / here), kind)


def read_splits(name: str | None) -> dict[str, list[str]]:
    """``{split: cases}`` of a JSON file, or of a list that comes with the package.

    Raises:
        UserError: it cannot be read, or maps no names of splits to lists.
    """
    if name is None:
        return {}
    known = LISTS / f"{name}.json"
    file = known if known.is_file() else Path(name).expanduser()
    try:
        listed = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"splits={file} is no JSON file that can be read: {error}") from None
    if not isinstance(listed, dict) or not all(isinstance(v, list) for v in listed.values()):
        raise UserError(f"splits={file} must map names of splits to lists of cases.")
    return listed


def rows_of(
    split: str, listed: Mapping[str, Sequence[str]], ids: Sequence[str], *, of: str, root: Path
) -> list[int]:
    """Places of a split's cases among ``ids``; all of them, as ``train``, where nothing is listed.

    A case may be listed by its id, or by the last part of it without suffix, if no other has it.

    Args:
        of: how the list is called.

    Raises:
        UserError: no such split, a case that is not there, or one that is listed twice.
    """
    splits = tuple(listed) or ("train",)
    if split not in splits:
        raise unknown("split", split, splits)
    if not listed:
        return list(range(len(ids)))
    names = [stem_of(case) for case in ids]
    single = {name for name, count in Counter(names).items() if count == 1}
    place = {name: row for row, name in enumerate(names) if name in single}
    place |= {case: row for row, case in enumerate(ids)}
    wanted = [str(case) for case in listed[split]]
    if lost := [case for case in wanted if case not in place]:
        raise UserError(f"Split {split!r} of {of} lists {some(lost)}, which {root} lacks.")
    rows = [place[case] for case in wanted]
    if len(set(rows)) < len(rows):
        twice = [case for case, row in zip(wanted, rows, strict=True) if rows.count(row) > 1]
        raise UserError(f"Split {split!r} of {of} lists {some(twice)} more than once.")
    return rows


def read_json(file: Path, remedy: str) -> dict[str, Any]:
    """
    Raises:
        NoData: it is missing.
        UserError: it cannot be read, or holds no mapping.
    """
    try:
        held = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        lost = isinstance(error, FileNotFoundError)
        raise (NoData if lost else UserError)(f"{file} cannot be read: {error}. {remedy}") from None
    if not isinstance(held, dict):
        raise UserError(f"{file} must hold a mapping.")
    return held


def stem_of(file: str) -> str:
    """
    >>> stem_of("imagesTr/hippocampus_001.nii.gz")
    'hippocampus_001'
    """
    name = file.rpartition("/")[2]
    return name.removesuffix(".gz").removesuffix(".nii")
