"""The page of one method: card, scores, pretraining, cases and provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from pixvox_leaderboards import wording
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.reading import Reading
from pixvox_leaderboards.site.card import card
from pixvox_leaderboards.site.columns import gain, marks, score, seen
from pixvox_leaderboards.site.elements import Child, Html, el, joined, table
from pixvox_leaderboards.site.frame import page
from pixvox_leaderboards.site.histogram import histogram
from pixvox_leaderboards.site.line import Line
from pixvox_leaderboards.site.pretraining import pretraining
from pixvox_leaderboards.site.provenance import provenance
from pixvox_leaderboards.site.spread import spreads


@dataclass(frozen=True)
class Method:
    """All that a board and its results say of one method.

    Args:
        shown: what it is called.
        lines: its rows.
        readings: its results, by key.
        rivals: ``{what they are called: address}`` of the comparisons with others.
    """

    name: str
    slug: str
    shown: str
    lines: Sequence[Line]
    readings: Mapping[str, Reading]
    rivals: Mapping[str, str]


def method_page(method: Method, results: PurePath) -> bytes:
    """The page.

    Args:
        results: the folder as commands name it.
    """
    ordered = [method.readings[key] for line in method.lines for key in line.row.keys]
    every = [reading.result for reading in ordered]
    stale = {key for line in method.lines if line.row.is_stale for key in line.row.keys}
    today = [result for result in every if result.key not in stale] or every
    return page(
        f"methods/{method.slug}.html",
        method.shown,
        el("h1", method.shown),
        card(method.name, today),
        _scores(method.lines),
        _rivals(method.rivals),
        pretraining(today),
        _cases(method),
        provenance(every, results, stale),
    )


def _scores(lines: Sequence[Line]) -> Html:
    heads = ["task", "protocol", "budget", "metric", "score [95 % interval]", "seed SD", "rank"]
    heads += ["over random init", "p (Holm)", "n", "test cases seen", "marks"]
    rows = [_score(line, metric) for line in lines for metric in line.panel.metrics]
    return el("section", el("h2", "Scores"), table(heads, rows, caption="Scores", class_="cards"))


def _score(line: Line, metric: str) -> Html | None:
    """A line of the table; what is said by the ranking metric alone stands there alone."""
    panel, row = line.panel, line.row
    if metric not in row.estimates:
        return None
    ranks = metric == line.metric
    cells: list[tuple[str, Child]] = [
        ("task", panel.task if ranks else ""),
        ("protocol", panel.protocol if ranks else ""),
        ("budget", str(panel.budget["name"]) if ranks else ""),
        ("metric", wording.metric_label(panel, metric)),
        ("score", score(line, metric)),
        ("sd", wording.figure(row.estimates[metric].seed_sd)),
        ("rank", wording.rank_text(row) if ranks else ""),
        ("gain", gain(line) if ranks else ""),
        ("p", wording.chance_text(row.over_floor) if ranks else ""),
        ("n", wording.scored_text(row) if ranks else ""),
        ("seen", seen(row) if ranks else ""),
        ("marks", marks(line) if ranks else ""),
    ]
    inside = [el("td", cell, class_=name) for name, cell in cells]
    kind = line.kind if ranks else f"{line.kind} lesser"
    return el("tr", *inside, class_=kind)


def _rivals(rivals: Mapping[str, str]) -> Html | None:
    if not rivals:
        return None
    links = [el("a", shown, href=f"../{address}") for shown, address in rivals.items()]
    return el("p", "Held against: ", joined(links, ", "))


def _cases(method: Method) -> Html:
    parts = [
        part
        for line in method.lines
        if not line.row.is_stale
        for part in _distribution(line.panel, [method.readings[key] for key in line.row.keys])
    ]
    return el("section", el("h2", "Case by case"), *parts)


def _distribution(panel: Panel, readings: Sequence[Reading]) -> list[Html]:
    """Of one row: the mean over seeds of each case."""
    metric = panel.metrics[0]
    found = spreads(
        metric,
        [reading.cases for reading in readings],
        higher_is_better=panel.higher_is_better[metric],
    )
    title = el("h3", f"{wording.panel_title(panel)} · {panel.budget['name']}")
    if not found:
        return [title, el("p", "Its results keep no value for each case.", class_="soft")]
    return [title, el("div", joined(map(histogram, found)), class_="multiples")]
