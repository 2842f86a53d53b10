"""Reads a folder of result files, in an order that does not depend on where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.result import Result, results_below
from pixvox_registry.errors import UserError


@dataclass(frozen=True)
class Reading:
    """A result, what it says of each case, and the file that says it."""

    file: Path
    result: Result
    cases: CaseScores


def read_all(folder: Path) -> list[Reading]:
    """Every result below a folder once, sorted by content; copies of a file count once.

    Raises:
        UserError: there is no result, or a file is damaged; it is named.
    """
    found: dict[bytes, Reading] = {}
    for file in files_of(folder):
        result = Result.read(file)
        found[result.content()] = Reading(file, result, result.read_cases(file))
    return [found[content] for content in sorted(found)]


def files_of(folder: Path) -> list[Path]:
    """The result files below a folder.

    Raises:
        UserError: there is none.
    """
    files = results_below(folder) if folder.is_dir() else []
    if not files:
        raise UserError(
            f"A board wanted result files below {folder}; "
            f"{'none lie there' if folder.is_dir() else 'there is no such folder'}. "
            "`pixvox benchmark --out DIR` writes them to DIR/results; name that folder."
        )
    return files
