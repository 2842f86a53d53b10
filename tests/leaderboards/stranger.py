"""Results as a stranger sends them, who knows how every digest is made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from pixvox_benchmarks.case_scores import CaseScores
from pixvox_benchmarks.result import LATER, Result, key_of
from pixvox_benchmarks.scoring import score
from pixvox_registry import METRICS
from pixvox_registry.artifacts import canonical_json, fingerprint

HERE = {"task": "breastmnist", "protocol": "knn_probe"}
OF_TASK = ("auc", "accuracy", "balanced_accuracy", "expected_calibration_error")

Change: TypeAlias = Callable[[dict[str, Any]], object]


def sent(file: Path, folder: Path) -> Path:
    """A result that was published on a board, moved elsewhere with its cases."""
    beside = Result.read(file).cases_file(file)
    folder.mkdir()
    shutil.move(beside, folder / beside.name)
    return Path(shutil.move(file, folder / file.name))


def resealed(file: Path, change: Change) -> Path:
    """Edited with every digest made to fit."""
    facts = json.loads(file.read_text())
    del facts["sha256"]
    change(facts)
    facts = {name: fact for name, fact in facts.items() if fact or name not in LATER}
    facts["request"] = fingerprint(facts["asked"])
    facts["key"] = key_of(facts["request"], facts["weights_sha256"])
    file.write_bytes(canonical_json({**facts, "sha256": fingerprint(facts)}))
    return file


def recased(file: Path, content: bytes) -> Path:
    """Other cases, with the digests made to fit."""
    Result.read(file).cases_file(file).unlink()
    resealed(file, deep("cases_sha256", to=sha256(content).hexdigest()))
    Result.read(file).cases_file(file).write_bytes(content)
    return file


def rescored(file: Path, cases: CaseScores, metrics: tuple[str, ...]) -> Path:
    """Other cases, with the scores that follow from them."""
    built = {name: METRICS.build(name) for name in metrics}
    scores, intervals = score(cases, metrics)
    facts = {
        "metrics": list(metrics),
        "metric_versions": {name: metric.version for name, metric in built.items()},
        "higher_is_better": {name: metric.higher_is_better for name, metric in built.items()},
        "scores": scores,
        "intervals": intervals,
        "n_scored": len(cases.ids),
        "n_expected": len(cases.ids),
    }
    asked = deep("asked", "metrics", to=facts["metric_versions"])
    resealed(file, both(lambda all_: all_.update(facts), asked))
    return recased(file, cases.content())


def few(cases: CaseScores, count: int) -> CaseScores:
    """The first of them."""
    return replace(
        cases,
        ids=cases.ids[:count],
        target=cases.target[:count],
        probability=cases.probability[:count],
    )


def deep(*path: str, to: Any) -> Change:
    """Set what lies at the end of a path."""

    def change(facts: dict[str, Any]) -> None:
        for name in path[:-1]:
            facts = facts[name]
        facts[path[-1]] = to

    return change


def both(*changes: Change) -> Change:
    """One after the other."""

    def change(facts: dict[str, Any]) -> None:
        for one in changes:
            one(facts)

    return change


def told_and_asked(name: str, value: Any, *where: str) -> Change:
    """What a result says of itself, and that it was asked."""
    return both(deep(name, to=value), deep("asked", *(where or (name,)), to=value))
