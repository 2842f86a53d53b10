"""How a board words its figures, the same in Markdown and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pixvox_leaderboards.board import Board, Panel
from pixvox_leaderboards.estimate import DIGITS, Estimate
from pixvox_leaderboards.row import Row

DASH = "—"
SIGNS = {"not above random init": "†", "collapsed": "‡"}  # where there is no room for words
LEGEND = (
    "Mean over seeds [95 % interval over cases: bootstrap, each resample draws its cases once for "
    "all seeds]. Seed SD is the standard deviation over seeds.",
    "A rank counts the methods whose whole interval is better; overlapping intervals may share it. "
    "References are not ranked.",
    "† the interval does not lie above that of random init; ‡ the representation has collapsed; "
    "stale: measured with an older task, protocol, metric or plugin, so not comparable; (c) "
    "case-level: patients are unknown, so intervals may be too narrow; (u) unverified data.",
)


def figure(value: float | None) -> str:
    """Three decimals, or a dash."""
    return DASH if value is None else f"{value:.{DIGITS}f}"


def with_interval(estimate: Estimate | None) -> str:
    """``0.940 [0.921, 0.956]``, or a dash."""
    if estimate is None:
        return DASH
    if estimate.low is None:
        return figure(estimate.mean)
    return f"{figure(estimate.mean)} [{figure(estimate.low)}, {figure(estimate.high)}]"


def metric_label(panel: Panel, metric: str) -> str:
    """``AUC``, ``balanced accuracy``; an arrow where less is better."""
    words = metric.upper() if len(metric) <= 3 else metric.replace("_", " ")
    known = [row.estimates[metric] for row in panel.rows if metric in row.estimates]
    less = known and not known[0].higher_is_better
    return f"{words} ↓" if less else words


def rank_text(row: Row) -> str:
    """Its rank, or why it has none."""
    if row.rank is not None:
        return str(row.rank)
    return DASH if row.is_stale else "ref"


def size_text(parameters: int) -> str:
    """``11.2 M``.

    >>> size_text(11_170_000), size_text(46_080)
    ('11.2 M', '0.0 M')
    """
    return f"{parameters / 1e6:.1f} M"


def scored_text(row: Row) -> str:
    """``156/156``: never shown without what was expected."""
    return f"{row.n_scored}/{row.n_expected}"


def signs(row: Row) -> str:
    """Marks in narrow tables."""
    return "".join(sign for mark, sign in SIGNS.items() if mark in row.marks)


def column_title(panel: Panel) -> str:
    """For narrow heads; the protocol stands elsewhere."""
    notes = ["c"] * panel.is_case_level + ["u"] * (not panel.is_verified)
    aside = f" ({', '.join(notes)})" if notes else ""
    return f"{panel.task} {metric_label(panel, panel.metrics[0])}{aside}"


def panel_title(panel: Panel) -> str:
    """For headings."""
    return f"{panel.task} · {panel.protocol}"


def panel_facts(panel: Panel) -> str:
    """What a reader must know of a panel before its rows."""
    facts = [
        f"{panel.cases:,} test cases, each {_article(panel.units)}",
        f"{metric_label(panel, panel.metrics[0])} ranks",
        f"task version {panel.task_version}, protocol version {panel.protocol_version}",
    ]
    if panel.is_case_level:
        facts.append("case-level: patients are unknown")
    if not panel.is_verified:
        facts.append("unverified data")
    return "; ".join(facts) + "."


def budget_text(facts: Mapping[str, Any]) -> str:
    """One budget in a phrase: equal for every method of a comparison."""
    side = " x ".join([str(facts.get("image_size", "?"))] * int(facts.get("dims", 2)))
    return (
        f"{facts.get('dims', '?')}D: {facts.get('seen', 0):,} cases seen, "
        f"batch {facts.get('batch', '?')}, width {facts.get('width', '?'):g}, "
        f"{facts.get('stem', '?')} stem, {side}"
    )


def budget_texts(panels: Sequence[Panel]) -> str:
    """All budgets of some panels, 2D before 3D."""
    return "; ".join(sorted({budget_text(panel.budget) for panel in panels})) + "."


def origin_text(board: Board) -> str:
    """From what the board was made."""
    return f"Made from {board.results} result files; code {', '.join(board.commits)}."


def by_protocol(panels: Sequence[Panel]) -> dict[str, list[Panel]]:
    """Panels that make one table of an overview."""
    tables: dict[str, list[Panel]] = {}
    for panel in panels:
        tables.setdefault(panel.protocol, []).append(panel)
    return tables


def methods_of(panels: Sequence[Panel]) -> tuple[list[str], list[str]]:
    """Methods by mean place, whoever has stale rows only at the end; and references by name."""
    places: dict[str, list[int]] = {}
    references = set()
    for panel in panels:
        for place, row in enumerate(panel.rows):
            if row.is_reference:
                references.add(row.method)
            else:
                places.setdefault(row.method, []).extend([] if row.is_stale else [place])

    def order(method: str) -> tuple[float, str]:
        mine = places[method]
        return (sum(mine) / len(mine) if mine else float("inf")), method

    return sorted(places, key=order), sorted(references)


def _article(noun: str) -> str:
    return f"an {noun}" if noun[:1] in "aeiou" else f"a {noun}"
