"""Where every digit came from: one entry for each result file, with the command to replay it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from pixvox_benchmarks.result import Result
from pixvox_leaderboards import wording
from pixvox_leaderboards.site.elements import Child, Html, copied, el
from pixvox_leaderboards.site.facts import SHOWN, terms, told, words
from pixvox_leaderboards.site.names import folder, stands_for
from pixvox_leaderboards.site.pretraining import hardware, seconds

APART = {"command", "commit", "dirty", "wall_seconds", "packages", "test_openings", "weights", "at"}


def provenance(results: Sequence[Result], results_folder: PurePath, stale: set[str]) -> Html:
    """A section of entries that open; each has an address of its own.

    Args:
        stale: keys of results that are not of today.
    """
    entries = [_entry(result, results_folder, is_stale=result.key in stale) for result in results]
    said = el("p", stands_for(results_folder), class_="soft")
    return el("section", el("h2", "Provenance"), said, *entries)


def reproduce(result: Result, results_folder: PurePath) -> str:
    """The exact command that replays a result."""
    return f"pixvox reproduce {result.key[:SHOWN]} --results {folder(results_folder)}"


def _entry(result: Result, results_folder: PurePath, *, is_stale: bool) -> Html:
    metric = result.metrics[0]
    score = f"{metric} {result.scores[metric]:.3f}"
    label = f"{result.task} · {result.protocol} · {result.budget['name']} · seed {result.seed}"
    return el(
        "details",
        el(
            "summary",
            el("code", result.key[:SHOWN]),
            f" {label} · {score}",
            " · stale" if is_stale else None,
        ),
        copied(reproduce(result, results_folder)),
        terms(_facts(result)),
        id=f"cell-{result.key[:SHOWN]}",
        class_="stale" if is_stale else None,
    )


def _facts(result: Result) -> list[tuple[str, Child]]:
    origin: Mapping[str, Any] = result.provenance
    made: Mapping[str, Any] = origin.get("weights") or {}
    rest = {name: origin[name] for name in sorted(origin.keys() - APART)}
    return [
        ("Key", el("code", result.key)),
        ("File", el("code", result.path.as_posix())),
        ("Measured", told(origin.get("at"))),
        ("Commit", commit(origin)),
        ("Command", el("code", told(origin.get("command")))),
        ("Wall time", seconds(origin.get("wall_seconds"))),
        ("Hardware", hardware(origin)),
        ("Test openings", told(origin.get("test_openings"))),
        ("Packages", told(origin.get("packages"))),
        ("Weights sha256", el("code", result.weights_sha256)),
        ("Weights made", f"{told(made.get('at'))}; commit {commit(made)}" if made else None),
        ("Cases sha256", el("code", result.cases_sha256)),
        ("Data", told(result.data)),
        ("Chosen", told(result.chosen)),
        ("Scores", "; ".join(_scored(result))),
        ("Also", "; ".join(f"{words(name)} {told(value)}" for name, value in rest.items())),
    ]


def commit(origin: Mapping[str, Any]) -> str:
    """Of the code, and whether it had local changes."""
    dirty = origin.get("dirty")
    changes = {"": "", None: "", "unknown": ", changes unknown"}
    aside = changes[dirty] if dirty in changes else f", with local changes {str(dirty)[:SHOWN]}"
    return f"{told(origin.get('commit'))}{aside}"


def _scored(result: Result) -> list[str]:
    return [
        f"{words(name)} {wording.figure(result.scores[name])} "
        f"[{wording.figure(found['low'])}, {wording.figure(found['high'])}]"
        for name in result.metrics
        for found in [result.intervals[name]]
    ]
