"""The first page: every row of the board in one table that sorts and filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pixvox_leaderboards import exposure_wording, gap_wording, league_wording, wording
from pixvox_leaderboards.board import Board
from pixvox_leaderboards.league import League
from pixvox_leaderboards.site.columns import Column, columns
from pixvox_leaderboards.site.elements import Html, el, joined, table
from pixvox_leaderboards.site.frame import page
from pixvox_leaderboards.site.island import island
from pixvox_leaderboards.site.line import Line, lines_of

FILTERS = {
    "task": "Task",
    "protocol": "Protocol",
    "dims": "Dims",
    "family": "Family",
    "budget": "Budget",
    "state": "Test cases seen",
}
KINDS = {"reference": "References", "stale": "Stale rows"}

STRIPS = (
    "A strip shows the score and its interval on the axis of its task and protocol; the band and "
    "the dotted line are random init. Hollow: collapsed, or not better than random init."
)


def index(board: Board, slugs: Mapping[str, str], shown: Mapping[str, str]) -> bytes:
    """The page.

    Args:
        slugs: of all methods, as links spell them.
        shown: what each method is called.
    """
    lines = lines_of(board)
    cols = columns(lambda method: f"methods/{slugs[method]}.html", lambda method: shown[method])
    return page(
        "index.html",
        "Board",
        el("h1", "Board"),
        el("p", wording.origin_text(board), class_="soft"),
        _controls(lines),
        _table(lines, cols),
        *[_budget(board, budget) for budget in board.budgets],
        *_leagues(board.leagues),
        _told(board),
        island(lines, cols),
        script="board.js",
    )


def _controls(lines: Sequence[Line]) -> Html:
    """Hidden until the script is there: without it they would do nothing."""
    facets = {
        "task": [line.panel.task for line in lines],
        "protocol": [line.panel.protocol for line in lines],
        "dims": [f"{line.panel.budget['dims']}" for line in lines],
        "family": [line.row.family for line in lines],
        "budget": [str(line.panel.budget["name"]) for line in lines],
        "state": [line.row.exposure.state for line in lines],
    }
    selects = [_select(name, title, facets[name]) for name, title in FILTERS.items()]
    metrics = {m: wording.metric_label(line.panel, m) for line in lines for m in line.panel.metrics}
    options = [el("option", "the ranking one", value="")]
    options += [el("option", metrics[m], value=m) for m in sorted(metrics)]
    search = el("input", type="search", name="q", autocomplete="off", spellcheck="false")
    kinds = [
        el("label", el("input", type="checkbox", name=name, checked=True), f" {title}")
        for name, title in KINDS.items()
    ]
    controls = el(
        "div",
        el("label", el("span", "Method"), search),
        *selects,
        el("label", el("span", "Metric"), el("select", *options, name="metric")),
        el("fieldset", el("legend", "Also show", class_="unseen"), *kinds),
        el("button", "Reset", type="reset"),
        class_="controls",
    )
    return el(
        "form",
        el("details", el("summary", "Filters"), controls, open=True),
        el("output", f"{len(lines)} rows", aria_live="polite", id="count"),
        id="filters",
        hidden=True,
        aria_label="Filter the rows",
    )


def _select(name: str, title: str, values: Sequence[str]) -> Html:
    suffix = "D" if name == "dims" else ""
    options = [el("option", f"{value}{suffix}", value=value) for value in sorted(set(values))]
    whole = el("select", el("option", "all", value=""), *options, name=name)
    return el("label", el("span", title), whole)


def _table(lines: Sequence[Line], cols: Sequence[Column]) -> Html:
    heads = [
        el(
            "th",
            el(
                "button", column.title, type="button", data_first="-1" if column.best_first else "1"
            ),
            scope="col",
            aria_sort="none",
            data_key=column.name,
            data_ranking=column.of_ranking,
        )
        for column in cols
    ]
    whole = el(
        "table",
        el("caption", "Rows of the board", class_="unseen"),
        el("thead", el("tr", *heads)),
        el("tbody", joined([_line(line, cols) for line in lines], "\n")),
        id="board",
        class_="cards",
    )
    return el(
        "div", whole, class_="wide", tabindex=0, role="region", aria_label="Rows of the board"
    )


def _line(line: Line, cols: Sequence[Column]) -> Html:
    first, *others = cols
    cells = [el("th", first.cell(line), scope="row")]
    cells += [el("td", column.cell(line), class_=column.name) for column in others]
    return el("tr", *cells, class_=line.kind)


def _budget(board: Board, budget: str) -> Html:
    said = wording.budget_texts(board.under(budget))
    return el("p", "Budget ", el("code", budget), f": {said}")


def _leagues(leagues: Sequence[League]) -> list[Html]:
    found = []
    for league in leagues:
        heads, lines = league_wording.cells(league)
        title = f"{league_wording.title(league)} · {league.budget}"
        rows = [_plain(line) for line in lines]
        found += [el("h2", title), table(heads, rows, caption=title)]
        found.append(el("p", league_wording.told(league)))
    return found


def _plain(cells: Sequence[str]) -> Html:
    """A line of nothing but text; ``*x*`` is a reference."""
    kind = "reference" if cells[0].startswith("*") else "method"
    return el("tr", *[el("td", cell.strip("*")) for cell in cells], class_=kind)


def _told(board: Board) -> Html:
    """Gaps, shared cases, and how to read the table."""
    holes = [*exposure_wording.duplicates_told(board), *gap_wording.told(board)]
    legend = [STRIPS, *wording.LEGEND, *exposure_wording.LEGEND, wording.TABLES]
    legend += league_wording.LEGEND if board.leagues else ()
    parts = [el("h2", "What has no number, and what splits share")] if holes else []
    parts += [el("ul", *[el("li", hole) for hole in holes])] if holes else []
    data = joined(
        [el("a", f"board.{form}", href=f"board.{form}") for form in ("csv", "json")], ", "
    )
    parts += [el("h2", "How to read it"), *[el("p", sentence) for sentence in legend]]
    return el("section", *parts, el("p", "The same as data: ", data, "."), class_="prose")
