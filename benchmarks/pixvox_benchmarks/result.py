"""A result: one cell of a grid, one canonical JSON file, with its per-case scores beside it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_registry.artifacts import canonical_json, digest, fingerprint, publish
from pixvox_registry.budgets import Budget
from pixvox_registry.errors import UserError, suggestion

PROTOCOL = re.compile(r"[\w.-]+(@(0|[1-9][0-9]?)(\.[0-9]*[1-9])?(?<!@0)%)?")  # above 0, below 100
BUDGET = {each.name for each in fields(Budget)}
MOST = 10**15  # parameters
SCHEMA = 1
CASES = ".cases.json"  # ends the name of a file of per-case scores
GAPS = "gaps"  # the folder of what a task has no number for
LATER = {"contamination", "duplicates", "curves"}  # fields that results of old lack
EXPOSURES = ("seen", "unseen", "unknown")


@dataclass(frozen=True, kw_only=True)
class Result:
    """A score and what one needs to believe it.

    Args:
        asked: all that decides the cell and is known before it runs; ``request`` is its sha256.
        scores: by metric; the first of ``metrics`` ranks.
        intervals: ``{metric: {low, high, method, note}}``, 95 % over cases.
        units: what a case is; ``image`` means that patients are unknown.
        data: dataset, version, licence, verified and sha256.
        chosen: hyperparameters chosen on validation.
        health: figures of the representation, from its card.
        contamination: ``{state, n_test, exact, near, ids}`` of the test cases that the backbone was
            shown; empty in results of old, and then ``unknown``.
        duplicates: ``{train-test: {exact, near}, ...}``, cases that two splits of the task share;
            empty in results of old.
        curves: what pretraining reported, ``{step: [...], loss: [...], ...}``, one figure per
            report or None; empty where nothing was trained, and in results of old.
    """

    schema: int = SCHEMA
    method: str
    family: str
    task: str
    task_version: str
    dims: int
    units: str
    protocol: str
    protocol_version: str
    metrics: tuple[str, ...]
    metric_versions: Mapping[str, str]
    higher_is_better: Mapping[str, bool]
    budget: Mapping[str, Any]
    seed: int
    asked: Mapping[str, Any]
    request: str
    weights_sha256: str
    key: str
    plugins: Mapping[str, str]
    scores: Mapping[str, float]
    intervals: Mapping[str, Mapping[str, Any]]
    n_scored: int
    n_expected: int
    cases_sha256: str
    data: Mapping[str, Any]
    chosen: Mapping[str, Any]
    health: Mapping[str, Any]
    collapsed: bool
    parameters: int
    provenance: Mapping[str, Any]
    contamination: Mapping[str, Any] = field(default_factory=dict)
    duplicates: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    curves: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where it lies below a results folder."""
        return path_of(
            self.task, self.protocol, self.method, self.budget["name"], self.seed, self.request
        )

    def content(self) -> bytes:
        """Canonical JSON with a digest of all the rest, so that an edited digit shows."""
        facts = json.loads(canonical_json(asdict(self)))
        facts = {name: fact for name, fact in facts.items() if fact or name not in LATER}
        return canonical_json({**facts, "sha256": fingerprint(facts)})

    def write(self, root: Path, cases: CaseScores) -> bool:
        """Publish both files; False if another process was first, whose files then stand.

        The cases bear their sha256 in their name, so two writers never take each other's.

        Raises:
            UserError: it would not be read back: a number is not finite, or no fraction.
        """
        file = root / self.path
        _check_values(file, self)
        try:
            content = self.content()
        except ValueError as error:  # NaN or infinity in health, chosen or provenance
            raise UserError(f"{file} is not written: {error}.") from None
        beside = self.cases_file(file)
        publish(beside, cases.content())
        new = publish(file, content, replace=False)
        if not new and Result.read(file).cases_file(file) != beside:
            beside.unlink()
        return new

    def cases_file(self, file: Path) -> Path:
        """Where the per-case scores lie that belong to this result in ``file``."""
        return file.with_name(f"{file.stem}.{self.cases_sha256[:12]}{CASES}")

    @classmethod
    def read(cls, file: Path) -> Result:
        """Load and check.

        Raises:
            UserError: names the file and what is wrong with it.
        """
        content = file.read_bytes()
        try:
            facts = json.loads(content, parse_constant=_refuse_constant)
            canonical_json(facts)  # refuses what overflows, and letters that are none
        except (ValueError, RecursionError) as error:
            raise UserError(f"{file} is not a result's JSON: {error}") from None
        if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
            raise UserError(f"{file} is no result of schema {SCHEMA}.")
        stated = facts.pop("sha256", None)
        _check_keys(file, facts)
        _check_types(file, facts)
        result = cls(**{**facts, "metrics": tuple(facts["metrics"])})
        _check_values(file, result)
        if stated != fingerprint(facts) or content != result.content():
            raise UserError(f"{file} was edited: its content does not have the sha256 it states.")
        return result

    def read_cases(self, file: Path) -> CaseScores:
        """The per-case scores beside a result's file.

        Raises:
            UserError: they are missing, were edited, or are none.
        """
        beside = self.cases_file(file)
        if not beside.is_file():
            raise UserError(f"{beside} is missing; the scores of {file.name} cannot be checked.")
        if digest(beside) != self.cases_sha256:
            raise UserError(
                f"{beside} was edited: it does not have the sha256 that {file.name} states."
            )
        try:
            return CaseScores.parse(beside.read_bytes())
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
            raise UserError(
                f"The per-case scores of {file} are malformed: {type(error).__name__} {error}"
            ) from None


def path_of(task: str, protocol: str, method: str, budget: str, seed: int, request: str) -> Path:
    """``task/protocol/method-budget-sSEED-REQUEST.json``; known before the cell runs."""
    name = file_name(method, budget, f"s{seed}", request[:12])
    return Path(file_name(task)) / protocol / f"{name}.json"


def file_name(*parts: str) -> str:
    """Parts joined by dashes, without what a file system or a shell minds.

    >>> file_name("hub:owner/name", "breastmnist")
    'hub_owner_name-breastmnist'
    """
    return "-".join(re.sub(r"[^\w.-]+", "_", part) for part in parts)


def results_below(root: Path) -> list[Path]:
    """All result files below a folder, sorted."""
    return sorted(
        file
        for file in root.rglob("*.json")
        if not file.name.endswith(CASES) and file.parent.name != GAPS
    )


def is_published(root: Path, path: Path, request: str) -> bool:
    """Is a valid result of this request there, with its per-case scores?"""
    file = root / path
    if not file.is_file():
        return False
    try:
        result = Result.read(file)
        result.read_cases(file)
    except UserError:
        return False
    return result.request == request


def key_of(request: str, weights_sha256: str) -> str:
    """The key of a result: what was asked, and the very weights that answered."""
    return fingerprint({"request": request, "weights_sha256": weights_sha256})


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it holds {name}")


def _check_keys(file: Path, facts: Mapping[str, Any]) -> None:
    known = {each.name for each in fields(Result)}
    if missing := sorted(known - LATER - facts.keys()):
        raise UserError(f"{file} lacks {', '.join(missing)}.")
    for name in sorted(facts.keys() - known):
        raise UserError(f"{file} has {name!r}, which no result has.{suggestion(name, known)}")


def _check_types(file: Path, facts: Mapping[str, Any]) -> None:
    """Each value is what the field's annotation says, as JSON spells it."""
    spelt = {"str": str, "int": int, "bool": bool, "tuple": list, "Mapping": dict}
    types = {each.name: str(each.type).partition("[")[0] for each in fields(Result)}
    for name, value in facts.items():
        wanted = spelt[types[name]]
        if type(value) is not wanted:
            raise UserError(f"{file}: {name} should be a {wanted.__name__}; it is {value!r:.60}.")


def _check_values(file: Path, result: Result) -> None:
    for name, score in result.scores.items():
        _check_score(file, name, score)
    named = {
        "scores": result.scores,
        "versions": result.metric_versions,
        "directions": result.higher_is_better,
        "intervals": result.intervals,
    }
    for what, values in named.items():
        if set(result.metrics) != set(values):
            raise UserError(f"{file}: metrics {list(result.metrics)} but {what} {sorted(values)}.")
    if len(set(result.metrics)) < len(result.metrics):
        raise UserError(f"{file}: a metric stands twice among {', '.join(result.metrics)}.")
    for name, interval in result.intervals.items():
        _check_interval(file, name, interval)
    if set(result.budget) != BUDGET:
        raise UserError(f"{file}: a budget has {sorted(BUDGET)}, not {sorted(result.budget)}.")
    if not (PROTOCOL.fullmatch(result.protocol) and isinstance(result.budget["name"], str)):
        raise UserError(
            f"{file}: protocol {result.protocol!r} or budget {result.budget['name']!r} is no name."
        )
    if not 0 <= result.parameters <= MOST:
        raise UserError(
            f"{file}: a backbone has 0 to {MOST:,} parameters; it states {result.parameters!r:.40}."
        )
    if result.n_scored != result.n_expected:
        raise UserError(f"{file}: {result.n_scored} of {result.n_expected} cases are scored.")
    if result.request != fingerprint(dict(result.asked)):
        raise UserError(f"{file}: its request is not the digest of what it says was asked.")
    if result.key != key_of(result.request, result.weights_sha256):
        raise UserError(f"{file}: its key does not follow from its request and weights.")
    _check_exposure(file, result.contamination)


def _check_exposure(file: Path, told: Mapping[str, Any]) -> None:
    """Seen means that copies were counted; unknown and unseen mean that none were."""
    if not told:
        return
    state, tested = told.get("state"), told.get("n_test", 0)
    counts = [told.get(name, 0) for name in ("exact", "near")]
    fits = all(type(count) is int and count >= 0 for count in (*counts, tested))
    if not fits or state not in EXPOSURES or (state == "seen") != any(counts):
        raise UserError(
            f"{file}: contamination is {', '.join(EXPOSURES)}, seen where copies were counted; it "
            f"says {state!r} of {counts}."
        )
    if sum(counts) > tested:
        raise UserError(f"{file}: {sum(counts)} copies were counted among {tested} test cases.")


def _check_interval(file: Path, name: str, told: Any) -> None:
    ends = [told.get(end) for end in ("low", "high")] if isinstance(told, Mapping) else [None]
    if not all(isinstance(end, int | float) for end in ends):
        raise UserError(f"{file}: the interval of {name} has a low and a high; it is {told!r:.80}.")


def _check_score(file: Path, name: str, score: Any) -> None:
    """A unit in the name (``hd95_mm``) says that the score is no fraction."""
    if type(score) not in (int, float) or not math.isfinite(score):
        raise UserError(f"{file}: {name} is {score!r}, not a finite number.")
    if abs(score) > 1 and not name.endswith("_mm"):
        raise UserError(f"{file}: {name} is {score}; a score is a fraction, not a percentage.")
