"""Adding: a result that somebody else measured is taken in, or refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pixvox_benchmarks.result import Result, results_below
from pixvox_leaderboards import outputs
from pixvox_leaderboards.board import build
from pixvox_leaderboards.reading import Reading, files_of
from pixvox_leaderboards.recency import age_of, edition_of, method_edition_of
from pixvox_leaderboards.row import REFERENCES
from pixvox_leaderboards.site.pages import method_pages
from pixvox_leaderboards.verify import examine
from pixvox_registry import METRICS, PROTOCOLS, TASKS, Registry
from pixvox_registry.artifacts import publish
from pixvox_registry.errors import UserError, unknown

METHOD = re.compile(r"[\w.:/{}@+-]+")
SAID_TWICE = ("method", "seed", "budget")  # by a result and by what it says was asked


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
    try:
        return Reading(file, result, result.read_cases(file))
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"The per-case scores of {file} are malformed: {type(error).__name__} {error}"
        ) from None


def checked(file: Path, there: Sequence[Reading]) -> Reading:
    """A result that may be taken in beside those that are there.

    Raises:
        UserError: as :func:`add`.
    """
    reading = reading_of(file)
    result = reading.result
    _known(TASKS, result.task.partition(":")[0])
    _known(PROTOCOLS, result.protocol.partition("@")[0])
    for name in result.metrics:
        _known(METRICS, name)
    _check_asked(file, result)
    finding = examine(file)
    if fault := finding.fault or "; ".join(finding.unchecked):
        raise UserError(fault)
    _check_company(reading, there)
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


def _check_asked(file: Path, result: Result) -> None:
    """What a result says of itself is what it says was asked."""
    asked = result.asked
    task, protocol = asked.get("task"), asked.get("protocol")
    if not (isinstance(task, dict) and isinstance(protocol, dict)):
        raise UserError(f"{file} does not say which task and protocol were asked.")
    if not METHOD.fullmatch(result.method) or result.seed < 0:
        raise UserError(
            f"{file} names a method {result.method!r} of seed {result.seed}; a method is called by "
            "letters, digits and . : / { } @ + - _, and seeds count from 0."
        )
    told = {name: (getattr(result, name), asked.get(name)) for name in SAID_TWICE}
    told["task"] = (result.task, task.get("name"))
    told["task_version"] = (result.task_version, task.get("version"))
    told["protocol"] = (result.protocol.partition("@")[0], protocol.get("name"))
    told["metric_versions"] = (dict(result.metric_versions), asked.get("metrics"))
    for name, (said, was_asked) in told.items():
        if said != was_asked:
            raise UserError(
                f"{file} says {name} {said!r}, and that {was_asked!r} was asked. A result is of "
                "what was asked."
            )


def _check_company(reading: Reading, there: Sequence[Reading]) -> None:
    """The same data, protocol, metrics and cases as the rows that it will stand beside."""
    file, result = reading.file, reading.result
    place = _place(result)
    beside = [other for other in there if _place(other.result) == place]
    if not beside:
        return
    newest = max(beside, key=lambda other: age_of(other.result))
    if edition_of(newest.result) != edition_of(result):
        raise UserError(
            f"{file} was measured with another edition of data, protocol, metrics, budget or their "
            f"plugins than {newest.file}, which the board shows. Measure it with the pixvox "
            f"{newest.result.provenance.get('pixvox', '')} of that board."
        )
    own, others = reading.cases.ids, newest.cases.ids
    if lacking := sorted(set(others) - set(own)):
        raise UserError(
            f"{file} scores {len(own)} cases and the board {len(others)}; there lack "
            f"{', '.join(lacking[:5])}{' ...' if len(lacking) > 5 else ''}."
        )
    facts = [(each.cases.ids, each.cases.target, each.cases.patients) for each in (reading, newest)]
    if facts[0] != facts[1]:
        raise UserError(
            f"{file} scores other cases than the board, in another order, or says otherwise what "
            "is true of them."
        )
    _check_room(reading, beside)


def _check_room(reading: Reading, beside: Sequence[Reading]) -> None:
    """It takes no row's place, and sets no floor for those that are there."""
    file, result = reading.file, reading.result
    if any(file.read_bytes() == other.file.read_bytes() for other in beside):
        return
    for other in beside:
        if (other.result.method, other.result.seed) == (result.method, result.seed):
            raise UserError(
                f"{other.file} tells of {result.method}, seed {result.seed}, as {file} does, with "
                "other numbers or another request. `pixvox reproduce` says which comes again; call "
                "the method otherwise, or remove what is there."
            )
        same = other.result.method == result.method
        if same and method_edition_of(other.result) != method_edition_of(result):
            raise UserError(
                f"{file} was made with another edition of {result.method} than {other.file}; call "
                "the method otherwise."
            )
    if result.family == "reference" or result.method.startswith(REFERENCES):
        raise UserError(
            f"{file} is of {result.method}, a reference: floors and aims of a board are measured "
            "by those who keep it."
        )
    if str(result.provenance.get("at", "")) > datetime.now(UTC).isoformat():
        raise UserError(f"{file} says that it was measured in the future.")


def _place(result: Result) -> tuple[object, str, str]:
    return result.budget["name"], result.task, result.protocol
