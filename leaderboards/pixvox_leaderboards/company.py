"""The rows that a result from elsewhere will stand beside: same data, cases and code, no clash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.firsts import check_first_of_place, check_first_of_task, task_called
from pixvox_leaderboards.reading import Reading
from pixvox_leaderboards.recency import age_of, edition_facts, method_edition_of
from pixvox_leaderboards.row import REFERENCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.console import say
from pixvox_registry.errors import UserError

OF_A_TASK: Mapping[str, Callable[[Result], object]] = {
    "units": lambda result: result.units,
    "dims": lambda result: result.dims,
    "duplicates": lambda result: result.duplicates,
    "contamination.n_test": lambda result: result.contamination.get("n_test"),
}


def check_company(reading: Reading, there: Sequence[Reading]) -> None:
    """Hold a result against the board, and against what is installed where the board is silent.

    Cases are compared with those of any row of the task, whatever its budget or protocol; where
    there is none, a line says that they were not.

    Raises:
        UserError: says what is other than it should be.
    """
    result = reading.result
    place = _place(result)
    beside = [other for other in there if _place(other.result) == place]
    if beside:
        _check_edition(reading, _newest(beside))
    else:
        check_first_of_place(reading.file, result, task_called(result.task))
    alike = beside or [other for other in there if _task(other.result) == _task(result)]
    if alike:
        _check_cases(reading, _newest(alike))
        _check_told(reading, alike)
    else:
        check_first_of_task(reading.file, result, task_called(result.task))
        say(
            f"{reading.file} is the first of {result.task} here: that its {result.n_scored} cases "
            "are all of the test split, with their true labels, could not be checked."
        )
    _check_room(reading, beside)


def _check_edition(reading: Reading, newest: Reading) -> None:
    own, boards = edition_facts(reading.result), edition_facts(newest.result)
    if other := [part for part in own if fingerprint(own[part]) != fingerprint(boards[part])]:
        raise UserError(
            f"{reading.file} was measured with another edition of {', '.join(other)} than "
            f"{newest.file}, which the board shows: other data, versions, order, settings or code. "
            f"Measure it with the pixvox {newest.result.provenance.get('pixvox', '')} of that "
            "board."
        )


def _check_cases(reading: Reading, newest: Reading) -> None:
    file, own, others = reading.file, reading.cases, newest.cases
    if lacking := sorted(set(others.ids) - set(own.ids)):
        raise UserError(
            f"{file} scores {len(own.ids)} cases and the board {len(others.ids)}; there lack "
            f"{', '.join(lacking[:5])}{' ...' if len(lacking) > 5 else ''}."
        )
    if (own.ids, own.target, own.patients) != (others.ids, others.target, others.patients):
        raise UserError(
            f"{file} scores other cases than the board, in another order, or says otherwise what "
            "is true of them."
        )
    if reading.result.asked["task"] != newest.result.asked.get("task"):
        raise UserError(
            f"{file} was measured on other data than {newest.file}, though both are of "
            f"{reading.result.task} {reading.result.task_version}. Measure it on the board's."
        )


def _check_told(reading: Reading, alike: Sequence[Reading]) -> None:
    """What a board says of a whole task is not for one of its rows to change."""
    for name, fact in OF_A_TASK.items():
        telling = [other for other in alike if fact(other.result)]
        if not telling:
            continue
        newest = _newest(telling)
        said, known = fact(reading.result), fact(newest.result)
        if said != known:
            raise UserError(
                f"{reading.file} says {name} {said!r:.200}, and {newest.file} {known!r:.200}. Both "
                f"are of {reading.result.task}, which has one; measure it with the board's pixvox."
            )


def _check_room(reading: Reading, beside: Sequence[Reading]) -> None:
    """It takes no row's place, and sets no floor."""
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


def _newest(readings: Sequence[Reading]) -> Reading:
    return max(readings, key=lambda reading: age_of(reading.result))


def _place(result: Result) -> tuple[object, str, str]:
    return result.budget["name"], result.task, result.protocol


def _task(result: Result) -> tuple[str, str]:
    return result.task, result.task_version
