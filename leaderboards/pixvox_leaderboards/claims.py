"""What a result from elsewhere says of itself: whole, in names that can be shown, as was asked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pixvox_benchmarks.result import Result
from pixvox_registry.errors import UserError

METHOD = re.compile(r"\w[\w.:/{}@+-]*")
FAMILY = re.compile(r"\w[\w -]{0,59}")
SHA256 = re.compile(r"[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{7,64}|unknown")
LONGEST = 120  # bytes of a method's name: files are called by it, and end at 255
SEEDS = 2**32
SAID_TWICE = ("method", "seed", "budget")  # by a result and by what it says was asked


def check_claims(file: Path, result: Result) -> None:
    """Refuse a result that a board could not show, or that does not say whence it is.

    Raises:
        UserError: a name that is none, a seed beyond counting, something else than was asked, or
            no hour, code, data or weights that one could ask for.
    """
    _check_names(file, result)
    _check_asked(file, result)
    _check_origin(file, result)


def _check_names(file: Path, result: Result) -> None:
    is_name = METHOD.fullmatch(result.method) and len(result.method.encode()) <= LONGEST
    if not (is_name and 0 <= result.seed < SEEDS):
        raise UserError(
            f"{file} names a method {result.method!r:.{LONGEST}} of seed {result.seed!r:.40}; a "
            f"method is called by letters, digits and . : / {{ }} @ + - _, a letter or digit first "
            f"and {LONGEST} at most, and seeds count from 0 to {SEEDS - 1}."
        )
    if not FAMILY.fullmatch(result.family):
        raise UserError(
            f"{file} names a family {result.family!r:.80}; a family is called by letters, digits, "
            "blanks and dashes, 60 at most."
        )


def _check_asked(file: Path, result: Result) -> None:
    """What a result says of itself is what it says was asked."""
    asked = result.asked
    task, protocol = asked.get("task"), asked.get("protocol")
    if not (isinstance(task, dict) and isinstance(protocol, dict)):
        raise UserError(f"{file} does not say which task and protocol were asked.")
    told = {name: (getattr(result, name), asked.get(name)) for name in SAID_TWICE}
    told["task"] = (result.task, task.get("name"))
    told["task_version"] = (result.task_version, task.get("version"))
    told["protocol"] = (result.protocol.partition("@")[0], protocol.get("name"))
    told["protocol_version"] = (result.protocol_version, protocol.get("version"))
    told["metric_versions"] = (dict(result.metric_versions), asked.get("metrics"))
    for name, (said, was_asked) in told.items():
        if said != was_asked:
            raise UserError(
                f"{file} says {name} {said!r}, and that {was_asked!r} was asked. A result is of "
                "what was asked."
            )


def _check_origin(file: Path, result: Result) -> None:
    """The hour, the code, the data and the weights: what one asks for who wants to see it again."""
    at = result.provenance.get("at")
    hour = _hour(at)
    if hour is None:
        raise UserError(
            f"{file} does not say when it was measured: provenance.at is an hour of UTC like "
            f"2026-01-31T12:00:00+00:00, not {at!r:.60}."
        )
    if hour > datetime.now(UTC):
        raise UserError(f"{file} says that it was measured in the future, at {at}.")
    commit = result.provenance.get("commit")
    if not (isinstance(commit, str) and COMMIT.fullmatch(commit)):
        raise UserError(
            f"{file} does not say which code measured it: provenance.commit is a commit's digits, "
            f"or unknown, not {commit!r:.60}."
        )
    dataset, verified = result.data.get("dataset"), result.data.get("verified")
    if not (isinstance(dataset, str) and dataset and isinstance(verified, bool)):
        raise UserError(
            f"{file} does not say on which data it was measured: data has a dataset by name, and "
            f"whether it was verified, not {dataset!r:.60} and {verified!r:.20}."
        )
    if not SHA256.fullmatch(result.weights_sha256):
        raise UserError(
            f"{file} does not say which weights were measured: weights_sha256 has 64 hexadecimal "
            f"digits; it is {result.weights_sha256!r:.80}."
        )


def _hour(at: object) -> datetime | None:
    """As :func:`pixvox_registry.provenance.provenance` writes it, or nothing."""
    try:
        hour = datetime.fromisoformat(str(at))
    except ValueError:
        return None
    is_ours = hour.utcoffset() == timedelta(0) and hour.isoformat(timespec="seconds") == at
    return hour if is_ours else None
