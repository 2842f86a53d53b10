"""Adding: a result that somebody else measured is taken in, or refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pixvox_benchmarks.result import Result, results_below
from pixvox_leaderboards import outputs
from pixvox_leaderboards.board import build
from pixvox_leaderboards.claims import check_claims
from pixvox_leaderboards.company import check_company
from pixvox_leaderboards.firsts import task_called
from pixvox_leaderboards.reading import Reading, files_of
from pixvox_leaderboards.site.pages import method_pages
from pixvox_leaderboards.verify import examine
from pixvox_registry import METRICS, PROTOCOLS, Registry
from pixvox_registry.artifacts import publish
from pixvox_registry.errors import UserError, unknown


def add(given: Path, results: Path) -> list[Path]:
    """Copy the results in a file or folder, and their cases, to where a board reads them.

    All are checked, and the board that they make is drawn, before one is taken. What is there
    already is not written again.

    Returns the files that are new.

    Raises:
        UserError: a result is malformed, its scores do not follow from its cases, its task,
            protocol or a metric is unknown here, it was measured on other cases or with other
            code than the board's, it would take the place of a row, or no board can be drawn.
    """
    if not given.exists():
        raise UserError(f"There is no {given}; a result file was wanted, or a folder of them.")
    there = [reading_of(file) for file in results_below(results)]
    new: list[Reading] = []
    for file in [given] if given.is_file() else files_of(given):
        reading = checked(file, there + new)
        place = results / reading.result.path
        if not (place.is_file() and place.read_bytes() == file.read_bytes()):
            new.append(reading)
    check_drawn(there, new, results)
    for reading in new:
        place = results / reading.result.path
        content = reading.result.cases_file(reading.file).read_bytes()
        publish(reading.result.cases_file(place), content)
        publish(place, reading.file.read_bytes(), replace=False)
    return [results / reading.result.path for reading in new]


def reading_of(file: Path) -> Reading:
    """A result with its cases."""
    result = Result.read(file)
    return Reading(file, result, result.read_cases(file))


def checked(file: Path, there: Sequence[Reading]) -> Reading:
    """A result that may be taken in beside those that are there.

    Raises:
        UserError: as :func:`add`.
    """
    reading = reading_of(file)
    result = reading.result
    task_called(result.task)
    _known(PROTOCOLS, result.protocol.partition("@")[0])
    for name in result.metrics:
        _known(METRICS, name)
    check_claims(file, result)
    finding = examine(file)
    if fault := finding.fault or "; ".join(finding.unchecked):
        raise UserError(fault)
    check_company(reading, there)
    return reading


def check_drawn(there: Sequence[Reading], new: Sequence[Reading], results: Path) -> None:
    """Draw the board and the pages of the new methods in memory.

    Raises:
        UserError: something in them is of another kind than a board expects.
    """
    if not new:
        return
    try:
        board = build([*there, *new])
        outputs.texts(board)
        method_pages(board, [*there, *new], results, {one.result.method for one in new})
    except Exception as error:  # whatever a stranger's file brings about
        names = ", ".join(str(one.file) for one in new)
        raise UserError(
            f"No board can be drawn with {names}: {type(error).__name__} {str(error)[:200]}. "
            "Nothing was taken in."
        ) from None


def _known(registry: Registry[object], name: str) -> None:
    if name not in registry:
        raise unknown(registry.kind, name, registry)
