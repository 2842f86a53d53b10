"""The columns of the board's table: title, cell, and what it is sorted by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pixvox_leaderboards import exposure_wording, wording
from pixvox_leaderboards.exposure import SEEN
from pixvox_leaderboards.row import NOT_BETTER, WORSE, Row
from pixvox_leaderboards.site.elements import Html, el, joined
from pixvox_leaderboards.site.line import Line
from pixvox_leaderboards.site.strip import score_strip

Key: TypeAlias = str | float | None
CASE_LEVEL = "case-level: patients are unknown"
SHORT = {
    NOT_BETTER: "† not better",
    WORSE: "†† worse",
    "collapsed": "‡ collapsed",
    "unverified data": "(u)",
    CASE_LEVEL: "(c)",
}


@dataclass(frozen=True)
class Column:
    """One column.

    Args:
        key: what a line is sorted by; None comes last in both directions.
        cell: what a line shows.
        best_first: does the first click sort from large to small?
        of_ranking: does it speak of the ranking metric alone?
    """

    name: str
    title: str
    key: Callable[[Line], Key]
    cell: Callable[[Line], str]
    best_first: bool = False
    of_ranking: bool = False


def columns(address: Callable[[str], str], shown: Callable[[str], str]) -> tuple[Column, ...]:
    """The columns in their order.

    Args:
        address: of a method's page.
        shown: what a method is called.
    """

    def linked(line: Line) -> str:
        method = line.row.method
        return el("a", shown(method), href=address(method), title=method)

    return (
        Column("method", "method", lambda line: shown(line.row.method), linked),
        _text("task", lambda line: line.panel.task),
        _text("protocol", lambda line: line.panel.protocol),
        _text("metric", lambda line: wording.metric_label(line.panel, line.metric)),
        Column("score", "score [95 % interval]", _mean, score, best_first=True),
        Column(
            "rank",
            "rank",
            lambda line: line.row.rank,
            lambda line: _rank(line.row),
            of_ranking=True,
        ),
        Column("gain", "over random init", _gain, gain, best_first=True, of_ranking=True),
        Column("p", "p (Holm)", _p, _p_text, of_ranking=True),
        Column("marks", "marks", lambda line: ", ".join(_noted(line)) or None, marks),
        Column("sd", "seed SD", _sd, lambda line: wording.figure(_sd(line))),
        Column("n", "n", lambda line: line.row.n_scored, _scored, best_first=True),
        Column("dims", "dims", _dims, lambda line: f"{line.panel.budget['dims']}D"),
        _text("family", lambda line: line.row.family),
        _text("budget", lambda line: str(line.panel.budget["name"])),
        Column("seen", "test cases seen", _seen, lambda line: seen(line.row)),
    )


def score(line: Line, metric: str | None = None) -> Html:
    """Mean and interval by some metric, written and drawn."""
    metric = metric or line.metric
    estimate = line.row.estimates[metric]
    return el(
        "div",
        el("b", wording.figure(estimate.mean)),
        el("small", wording.interval_text(estimate), title=estimate.note or None),
        score_strip(line.axes[metric], line.panel, line.row, metric),
        class_="measure",
    )


def gain(line: Line) -> Html | str:
    """What it scores above random init of its backbone, with the interval."""
    over = line.row.over_floor
    if over is None:
        return wording.DASH
    number, _, interval = wording.gain_text(over).partition(" ")
    return joined([number, el("small", interval)])


def seen(row: Row) -> str:
    """``unseen``, ``unknown`` or ``1 + 39 of 156 seen``, also where no head stands above it."""
    told = exposure_wording.cell(row)
    return f"{told} seen" if row.exposure.state == SEEN else told


def marks(line: Line) -> Html:
    """Its marks, each in a word or two; in full on hovering."""
    return joined([el("span", SHORT.get(mark, mark), title=mark) for mark in _noted(line)], ", ")


def _noted(line: Line) -> list[str]:
    return [*line.row.marks, *([CASE_LEVEL] if line.panel.is_case_level else [])]


def _text(name: str, told: Callable[[Line], str]) -> Column:
    """A column that is sorted by what it shows."""
    return Column(name, name, lambda line: told(line) or None, told)


def _mean(line: Line) -> Key:
    return line.row.estimates[line.metric].mean


def _rank(row: Row) -> str:
    return wording.rank_text(row)


def _gain(line: Line) -> Key:
    over = line.row.over_floor
    return None if over is None else over.difference


def _p(line: Line) -> Key:
    over = line.row.over_floor
    return None if over is None else over.holm


def _p_text(line: Line) -> str:
    return wording.chance_text(line.row.over_floor)


def _sd(line: Line) -> float | None:
    return line.row.estimates[line.metric].seed_sd


def _scored(line: Line) -> str:
    return wording.scored_text(line.row)


def _dims(line: Line) -> Key:
    return int(line.panel.budget["dims"])


def _seen(line: Line) -> Key:
    told = line.row.exposure
    if told.exact is None or told.near is None:
        return None
    return told.exact + told.near
