"""How the weights of a method came to be: their health, and the curves of their pretraining."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from pixvox_benchmarks.result import Result
from pixvox_leaderboards.site.curves import Values, curve
from pixvox_leaderboards.site.elements import Child, Html, el, joined, table
from pixvox_leaderboards.site.facts import short, told, words

STEP = "step"
COUNTERS = {STEP, "epoch", "seen"}  # grow with the step, whatever is trained


def pretraining(results: Sequence[Result]) -> Html:
    """A part for each set of weights that differ in nothing but their seeds."""
    parts = [_group(title, group) for title, group in _groups(results).items()]
    return el("section", el("h2", "Pretraining"), *parts)


def _groups(results: Sequence[Result]) -> dict[str, list[Result]]:
    """One result for each weights file; those measured on the same tasks and budget together."""
    first: dict[str, Result] = {}
    tasks: dict[str, set[str]] = {}
    for result in results:
        first.setdefault(result.weights_sha256, result)
        tasks.setdefault(result.weights_sha256, set()).add(result.task)
    groups: dict[str, list[Result]] = {}
    for digest, result in first.items():
        title = f"{', '.join(sorted(tasks[digest]))}, budget {result.budget['name']}"
        groups.setdefault(title, []).append(result)
    return {title: sorted(groups[title], key=lambda r: (r.seed, r.key)) for title in sorted(groups)}


def _group(where: str, results: Sequence[Result]) -> Html:
    """A line for each seed, and a curve for each quantity that was logged."""
    names = sorted({name for result in results for name in result.health})
    heads = ["seed", "weights sha256", *map(words, names), "collapsed", "wall time", "made on"]
    lines = [_line(result, names) for result in results]
    return el(
        "section",
        el("h3", f"Measured on {where}"),
        table(heads, lines, caption=f"Health of the weights measured on {where}"),
        _curves([result.curves for result in results]),
    )


def _line(result: Result, names: Sequence[str]) -> Html:
    made = dict(result.provenance.get("weights") or {})
    cells: list[Child] = [
        str(result.seed),
        short(result.weights_sha256),
        *[told(result.health.get(name)) for name in names],
        "collapsed ‡" if result.collapsed else "no",
        seconds(made.get("wall_seconds")),
        hardware(made),
    ]
    return el("tr", *[el("td", cell) for cell in cells])


def seconds(value: Any) -> str:
    """Wall time.

    >>> seconds(1.484), seconds(110.196), seconds(7300), seconds(None)
    ('1.5 s', '1 min 50 s', '2 h 1 min', '—')
    """
    if not isinstance(value, (int, float)):
        return "—"
    if value < 60:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def hardware(provenance: Mapping[str, Any]) -> str:
    """Accelerator, or processor and cores."""
    accelerator = provenance.get("accelerator")
    if accelerator not in (None, "", "none"):
        return str(accelerator)
    cores = provenance.get("cores")
    return ", ".join(
        [told(provenance.get("processor")), *([f"{cores} cores"] if cores is not None else [])]
    )


def _curves(seeds: Sequence[Mapping[str, Any]]) -> Html:
    """Small multiples, one for each quantity, all seeds in each."""
    found: dict[str, list[tuple[Values, Values]]] = {}
    for each in seeds:
        steps = each.get(STEP)
        for name in sorted(each.keys() - COUNTERS):
            if _are_figures(steps) and _are_figures(each[name]) and len(each[name]) == len(steps):
                found.setdefault(name, []).append((steps, each[name]))
    if not found:
        return el("p", "Their results hold no curves.", class_="soft")
    drawn = [curve(words(name), found[name]) for name in sorted(found)]
    return el("div", joined(drawn), class_="multiples")


def _are_figures(values: Any) -> TypeGuard[list[float | None]]:
    """A result of somebody else's may hold anything here; only figures are drawn."""
    return isinstance(values, list) and all(v is None or type(v) in (int, float) for v in values)
