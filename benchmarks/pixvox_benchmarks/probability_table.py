"""Probabilities made elsewhere: a CSV of ``id`` and a column for each class, in any order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from pixvox_benchmarks.attendance import check_attendance
from pixvox_benchmarks.sealed import TOLERANCE
from pixvox_registry.case_list import CaseList
from pixvox_registry.errors import UserError, suggestion

ID = "id"


def read_probabilities(
    file: Path,
    ids: Sequence[str],
    classes: Sequence[str],
    *,
    several: bool,
    allow_missing: bool = False,
) -> dict[int, list[float]]:
    """``{row of a case: probability of each class}``, in the order of ``classes``.

    Args:
        several: labels of which several may hold; otherwise a row sums to 1.

    Raises:
        NoData: the file is not there.
        UserError: columns that are missing or unknown, a case that is unknown, doubled or missing,
            or a row that holds no probabilities.
    """
    if file.is_dir():
        raise UserError(f"{file} is a folder; probabilities of classes stand in one CSV file.")
    listed = CaseList.read(file)
    _check_columns(listed, classes)
    named = listed.column(ID)
    check_attendance(named, ids, file, allow_missing=allow_missing)
    said = [listed.column(name) for name in classes]  # [K][N]
    row_of = {case: row for row, case in enumerate(ids)}
    return {
        row_of[case]: _probabilities(listed, at, [column[at] for column in said], several)
        for at, case in enumerate(named)
    }


def _check_columns(listed: CaseList, classes: Sequence[str]) -> None:
    due = (ID, *classes)
    if strange := [name for name in listed.columns if name not in due]:
        raise UserError(
            f"{listed.file} has a column {strange[0]!r}, which is no class of the task."
            f"{suggestion(strange[0], due)} Its columns must be: {', '.join(map(repr, due))}."
        )
    if lacking := [name for name in due if name not in listed.columns]:
        raise UserError(
            f"{listed.file} has no column {lacking[0]!r}. Its columns must be: "
            f"{', '.join(map(repr, due))}."
        )


def _probabilities(listed: CaseList, at: int, words: Sequence[str], several: bool) -> list[float]:
    try:
        row = [float(word) for word in words]
    except ValueError:
        raise listed.fault(
            at, f"holds {', '.join(words)}; a number for each class is due"
        ) from None
    if not all(math.isfinite(p) and 0 <= p <= 1 + TOLERANCE for p in row):
        raise listed.fault(
            at,
            f"holds {', '.join(words)}, which are no probabilities: each must be finite and from 0 "
            "to 1",
        )
    if not (several or abs(sum(row) - 1) <= TOLERANCE):
        raise listed.fault(
            at,
            f"holds {', '.join(words)}, which are no probabilities: their sum is {sum(row):.7g}, "
            f"which must be 1 within {TOLERANCE:g}. Write all their digits",
        )
    return row
