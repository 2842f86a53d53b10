"""Adding: a result that somebody else measured is taken in, or refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pixvox_benchmarks.result import Result, results_below
from pixvox_leaderboards.reading import files_of
from pixvox_leaderboards.recency import age_of, edition_of
from pixvox_leaderboards.verify import examine
from pixvox_registry import METRICS, PROTOCOLS, TASKS, Registry
from pixvox_registry.artifacts import publish
from pixvox_registry.errors import UserError, unknown

SAID_TWICE = ("method", "seed", "budget")  # by a result and by what it says was asked


def add(given: Path, results: Path) -> list[Path]:
    """Copy the results in a file or folder, and their cases, to where a board reads them.

    All are checked before one is taken. What is there already is not written again.

    Returns the files that are new.

    Raises:
        UserError: a result is malformed, its scores do not follow from its cases, its task,
            protocol or a metric is unknown here, it was measured on other cases or with other
            code than the board's, or another result of the same request is there.
    """
    there = [(file, Result.read(file)) for file in results_below(results)]
    files = [given] if given.is_file() else files_of(given)
    taken = [checked(file, results, there) for file in files]
    new = []
    for file, result in zip(files, taken, strict=True):
        place = results / result.path
        if not place.is_file():
            publish(result.cases_file(place), result.cases_file(file).read_bytes())
            publish(place, file.read_bytes(), replace=False)
            new.append(place)
    return new


def checked(file: Path, results: Path, there: Sequence[tuple[Path, Result]]) -> Result:
    """A result that may be taken in beside those that are there.

    Raises:
        UserError: as :func:`add`.
    """
    result = Result.read(file)
    _known(TASKS, result.task.partition(":")[0])
    _known(PROTOCOLS, result.protocol.partition("@")[0])
    for name in result.metrics:
        _known(METRICS, name)
    _check_asked(file, result)
    try:
        finding = examine(file)
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"The per-case scores of {file} are malformed: {type(error).__name__} {error}"
        ) from None
    if fault := finding.fault or "; ".join(finding.unchecked):
        raise UserError(fault)
    _check_company(file, result, there)
    place = results / result.path
    if place.is_file() and place.read_bytes() != file.read_bytes():
        raise UserError(
            f"{place} answers the same request as {file} with other numbers. `pixvox reproduce` "
            "says which of them come again."
        )
    return result


def _known(registry: Registry[object], name: str) -> None:
    if name not in registry:
        raise unknown(registry.kind, name, registry)


def _check_asked(file: Path, result: Result) -> None:
    """What a result says of itself is what it says was asked."""
    asked = result.asked
    told = {name: (getattr(result, name), asked.get(name)) for name in SAID_TWICE}
    told["task"] = (result.task, asked.get("task", {}).get("name"))
    told["task_version"] = (result.task_version, asked.get("task", {}).get("version"))
    told["protocol"] = (result.protocol.partition("@")[0], asked.get("protocol", {}).get("name"))
    told["metric_versions"] = (dict(result.metric_versions), asked.get("metrics"))
    for name, (said, was_asked) in told.items():
        if said != was_asked:
            raise UserError(
                f"{file} says {name} {said!r}, and that {was_asked!r} was asked. A result is of "
                "what was asked."
            )


def _check_company(file: Path, result: Result, there: Sequence[tuple[Path, Result]]) -> None:
    """The same data, protocol, metrics and cases as the rows that it will stand beside."""
    place = (result.budget["name"], result.task, result.protocol)
    beside = [
        (path, other)
        for path, other in there
        if (other.budget["name"], other.task, other.protocol) == place
    ]
    if not beside:
        return
    path, newest = max(beside, key=lambda pair: age_of(pair[1]))
    if edition_of(newest) != edition_of(result):
        raise UserError(
            f"{file} was measured with another edition of data, protocol, metrics, budget or their "
            f"plugins than {path}, which the board shows. Measure it with the pixvox "
            f"{newest.provenance.get('pixvox', '')} of that board."
        )
    own, others = result.read_cases(file).ids, newest.read_cases(path).ids
    if lacking := sorted(set(others) - set(own)):
        raise UserError(
            f"{file} scores {len(own)} cases and the board {len(others)}; there lack "
            f"{', '.join(lacking[:5])}{' ...' if len(lacking) > 5 else ''}."
        )
    if own != others:
        raise UserError(f"{file} scores other cases than the board, or in another order.")
