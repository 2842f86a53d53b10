"""Attendance: which cases of a split were answered by somebody elsewhere, and which were not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pixvox_registry.decoded import some
from pixvox_registry.errors import UserError, suggestion


def check_attendance(
    named: Sequence[str], expected: Sequence[str], where: Path, *, allow_missing: bool
) -> None:
    """Refuse answers to a case that nobody asked for, two to one case, and none to a case.

    Args:
        named: the cases as they are answered.
        expected: the cases of the split.
        allow_missing: some may be unanswered, though not all.

    Raises:
        UserError: lists the first five.
    """
    known = set(expected)
    if strange := [name for name in named if name not in known]:
        raise UserError(
            f"{where} answers {len(strange)} that are no cases of this split: {some(strange)}."
            f"{suggestion(strange[0], expected)} The split has {len(expected)}: {some(expected)}. "
            "Check that task and split are those that were predicted, and move other files away."
        )
    if twice := [name for name, count in Counter(named).items() if count > 1]:
        raise UserError(f"{where} answers {some(twice)} more than once. Leave one answer to each.")
    missing = missing_of(named, expected)
    if missing and not (allow_missing and named):
        more = " or score the missing ones worst with --allow-missing" if named else ""
        raise UserError(
            f"{where} answers {len(named)} of {len(expected)} cases; missing are {some(missing)}. "
            f"Predict them{more}."
        )


def missing_of(named: Sequence[str], expected: Sequence[str]) -> list[str]:
    """Those of a split that are not answered, in its order."""
    answered = set(named)
    return [name for name in expected if name not in answered]
