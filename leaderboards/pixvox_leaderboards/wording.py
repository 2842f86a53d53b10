"""How a board words its figures, the same in Markdown and on the page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pixvox_leaderboards import exposure_wording
from pixvox_leaderboards.board import Board
from pixvox_leaderboards.comparison import Comparison
from pixvox_leaderboards.estimate import DIGITS, Estimate
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import NOT_BETTER, RANDOM_INIT, WORSE, Row

DASH = "—"
SIGNS = {NOT_BETTER: "†", WORSE: "††", "collapsed": "‡"}  # where there is no room for words
NOTED = "§"  # the interval has a note
TABLES = (
    "Over random init: the score less that of random init of the same backbone [95 % interval over "
    "cases, each resample draws its cases once for both]; p is of a paired permutation test over "
    "cases, after Holm over all rows of the budget. To compare two others: `pixvox board --compare "
    "A B`."
)
LEGEND = (
    "Mean over seeds, how many is told beside the budget [95 % interval over cases: bootstrap, "
    "each resample draws its cases once for all seeds]. Seed SD is the standard deviation over "
    "seeds; ↓ less is better.",
    "A rank is one more than the number of methods whose whole interval is better; overlapping "
    "intervals may share it. References are not ranked, nor is a method without an interval. Bold "
    "in an overview: rank 1, where at least two methods are ranked.",
    "† not better than random init of the same backbone: a paired permutation test over cases does "
    "not tell the two apart at 5 %, after Holm over all rows of the budget; †† worse, by this "
    "test. Tests speak of the weights that were measured: seeds are averaged, not drawn.",
    f"‡ the representation has collapsed; {NOTED} the interval has a note, told in CSV and JSON: "
    "the score is biased, so the interval may lie beside it; or percentiles stand in for BCa; or "
    "there is none, as the metric is not installed.",
    "stale: measured with an older task, protocol, metric or plugin, so not comparable; (c) "
    "case-level: patients are unknown, so intervals may be too narrow; (u) unverified data.",
)


def name_of(method: str) -> str:
    """A folder of weights is called by its run, and the part that was exported of it.

    >>> name_of("weights:runs/joint/runs/intra-mean-s{seed}/weights")
    'intra-mean'
    >>> name_of("weights:runs/joint-s{seed}/weights_slices")
    'joint (slices)'
    >>> name_of("hub:owner/name")
    'hub:owner/name'
    """
    folder = re.fullmatch(r"weights:(?:.*/)?([^/]+?)(?:-s\{seed\})?/weights(?:_(\w+))?/?", method)
    if folder is None:
        return method
    run, part = folder.groups()
    return f"{run} ({part})" if part else run


def figure(value: float | None) -> str:
    """Three decimals, or a dash."""
    return DASH if value is None else f"{value:.{DIGITS}f}"


def with_interval(estimate: Estimate | None) -> str:
    """``0.940 [0.921, 0.956]``, or a dash."""
    if estimate is None:
        return DASH
    return f"{figure(estimate.mean)} {interval_text(estimate)}".rstrip()


def interval_text(estimate: Estimate) -> str:
    """``[0.921, 0.956]``, with a sign where it has a note; the sign alone where there is none."""
    if not estimate.has_interval:
        return note_sign(estimate)
    return f"[{figure(estimate.low)}, {figure(estimate.high)}]{note_sign(estimate)}"


def gain_text(comparison: Comparison | None) -> str:
    """``+0.150 [0.103, 0.202]``, or a dash."""
    if comparison is None:
        return DASH
    low, high = figure(comparison.low), figure(comparison.high)
    return f"{comparison.difference:+.{DIGITS}f} [{low}, {high}]"


def chance_text(comparison: Comparison | None) -> str:
    """p after Holm, why there is none to speak of, or a dash."""
    if comparison is None or comparison.holm is None:
        return comparison.note if comparison else DASH
    return comparison.note or p_text(comparison.holm)


def p_text(p: float) -> str:
    """Three decimals.

    >>> p_text(0.0123), p_text(0.00005)
    ('0.012', '<0.001')
    """
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def note_sign(estimate: Estimate) -> str:
    """``§`` where the interval has a note."""
    return NOTED if estimate.note else ""


def metric_label(panel: Panel, metric: str) -> str:
    """``AUC``, ``balanced accuracy``; an arrow where less is better."""
    words = metric.upper() if len(metric) <= 3 else metric.replace("_", " ")
    return words if panel.higher_is_better[metric] else f"{words} ↓"


def rank_text(row: Row) -> str:
    """Its rank, or why it has none."""
    if row.rank is not None:
        return str(row.rank)
    return "ref" if row.is_reference and not row.is_stale else DASH


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
    notes += exposure_wording.notes(panel)
    aside = f" ({', '.join(notes)})" if notes else ""
    return f"{panel.task} {metric_label(panel, panel.metrics[0])}{aside}"


def panel_title(panel: Panel) -> str:
    """For headings."""
    return f"{panel.task} · {panel.protocol}"


def panel_facts(panel: Panel) -> str:
    """What a reader must know of a panel before its rows."""
    facts = [
        f"{panel.cases:,} test cases, each {_article(panel.units)}{_of_patients(panel)}",
        f"{metric_label(panel, panel.metrics[0])} ranks",
        f"task version {panel.task_version}, protocol version {panel.protocol_version}",
    ]
    if panel.is_case_level:
        facts.append("case-level: patients are unknown")
    if not panel.is_verified:
        facts.append("unverified data")
    return "; ".join(facts) + "."


def _of_patients(panel: Panel) -> str:
    many = f", of {panel.patients:,} patients: those of one are drawn together"
    return many if panel.patients else ""


def floor_text(panel: Panel) -> str:
    """Why nothing in a panel is marked as not better than random init; or nothing."""
    if panel.has_floor:
        return ""
    return f"No interval of {RANDOM_INIT} stands here, so no row can be marked “{NOT_BETTER}”."


def budget_text(facts: Mapping[str, Any]) -> str:
    """One budget in a phrase: equal for every method of a comparison."""
    side = " x ".join([str(facts["image_size"])] * facts["dims"])
    return (
        f"{facts['dims']}D: {facts['seen']:,} cases seen, batch {facts['batch']}, "
        f"width {facts['width']:g}, {facts['stem']} stem, {side}"
    )


def budget_texts(panels: Sequence[Panel]) -> str:
    """All budgets of some panels, 2D before 3D, and of how many seeds a score is the mean."""
    budgets = "; ".join(sorted({budget_text(panel.budget) for panel in panels}))
    return f"{budgets}; {seeds_text(panels)} per score."


def seeds_text(panels: Sequence[Panel]) -> str:
    """``one seed``, ``3 seeds`` or ``1 to 3 seeds``: of the rows of today."""
    counts = [len(row.seeds) for panel in panels for row in panel.rows if not row.is_stale]
    least, most = min(counts), max(counts)
    if most == 1:
        return "one seed"
    return f"{most} seeds" if least == most else f"{least} to {most} seeds"


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
