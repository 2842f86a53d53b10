"""A board as Markdown: for each budget an overview, then one table per task and protocol."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tabulate import tabulate

from pixvox_leaderboards import exposure_wording, gap_wording, league_wording, wording
from pixvox_leaderboards.board import Board
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row

LONG = 12  # methods and references of a table that a README folds


def markdown(board: Board) -> str:
    """The whole board."""
    parts = ["# PixVox board", wording.origin_text(board)]
    for budget in board.budgets:
        panels = board.under(budget)
        parts += [f"## Budget `{budget}`", wording.budget_texts(panels)]
        if len(panels) > 1:
            parts += overviews(panels)
        for league in board.leagues_under(budget):
            title, said = league_wording.title(league), league_wording.told(league)
            heads, lines = league_wording.cells(league)
            parts += [f"### {title}", tabulated(heads, lines), said]
        for panel in panels:
            parts += [f"### {wording.panel_title(panel)}", wording.panel_facts(panel), table(panel)]
            parts.append(wording.floor_text(panel))
    parts += told(board)
    legend = [
        *wording.LEGEND,
        *exposure_wording.LEGEND,
        wording.TABLES,
        *(league_wording.LEGEND if board.leagues else ()),
    ]
    return "\n\n".join(filter(None, [*parts, *legend])) + "\n"


def summary(board: Board, picture: str | None) -> str:
    """What a README shows: the picture and the overviews.

    Args:
        picture: where the PNG lies, seen from the README.
    """
    parts = [f"![Board: scores and their 95 % intervals]({picture})"] if picture else []
    for budget in board.budgets:
        panels = board.under(budget)
        parts += [f"Budget `{budget}`. {wording.budget_texts(panels)}", *folded_overviews(panels)]
    legend = [*wording.LEGEND, *exposure_wording.LEGEND, wording.origin_text(board)]
    return "\n\n".join([*parts, *told(board), *legend])


def told(board: Board) -> list[str]:
    """Below the tables: cases that splits share, and what has no number."""
    sentences = [*exposure_wording.duplicates_told(board), *gap_wording.told(board)]
    return ["\n".join(f"- {sentence}" for sentence in sentences)] if sentences else []


def overviews(panels: Sequence[Panel]) -> list[str]:
    """One table per protocol: methods by tasks, the ranking metric of each; references below."""
    return [_overview(protocol, column) for protocol, column in wording.by_protocol(panels).items()]


def folded_overviews(panels: Sequence[Panel]) -> list[str]:
    """The same, long ones behind a line that opens them."""
    return [
        _folded(protocol, column) if _length(column) > LONG else _overview(protocol, column)
        for protocol, column in wording.by_protocol(panels).items()
    ]


def _length(column: Sequence[Panel]) -> int:
    return sum(map(len, wording.methods_of(column)))


def _folded(protocol: str, column: Sequence[Panel]) -> str:
    tasks = ", ".join(panel.task for panel in column)
    said = f"<code>{escape(protocol)}</code>: all {_length(column)} rows on {escape(tasks)}"
    head = f"<details>\n<summary>{said}</summary>"
    return f"{head}\n\n{_overview(protocol, column)}\n\n</details>"


def _overview(protocol: str, column: Sequence[Panel]) -> str:
    methods, references = wording.methods_of(column)
    names = {method: wording.name_of(method) for method in methods}
    names |= {method: f"*{wording.name_of(method)}*" for method in references}
    return tabulated(
        [protocol, *map(wording.column_title, column)],
        [
            [shown, *[_overview_cell(panel, method) for panel in column]]
            for method, shown in names.items()
        ],
    )


def table(panel: Panel) -> str:
    """All rows of a panel."""
    first, *others = panel.metrics
    heads = [
        "rank",
        "method",
        wording.metric_label(panel, first),
        "over random init",
        "p (Holm)",
        "seed SD",
        *[wording.metric_label(panel, metric) for metric in others],
        "seeds",
        "scored",
        "stem",
        "parameters",
        "test cases seen",
        "marks",
    ]
    return tabulated(heads, [_line(panel, row) for row in panel.rows])


def _line(panel: Panel, row: Row) -> list[str]:
    first, *others = panel.metrics
    ranking = row.estimates.get(first)
    cells = [
        wording.rank_text(row),
        wording.name_of(row.method),
        wording.with_interval(ranking),
        wording.gain_text(row.over_floor),
        wording.chance_text(row.over_floor),
        wording.figure(ranking.seed_sd if ranking else None),
        *[wording.with_interval(row.estimates.get(metric)) for metric in others],
        str(len(row.seeds)),
        wording.scored_text(row),
        row.stem,
        wording.size_text(row.parameters),
        exposure_wording.cell(row),
        ", ".join(row.marks),
    ]
    if row.is_stale or row.is_reference:
        return [f"*{cell}*" if cell else "" for cell in cells]
    return cells


def _overview_cell(panel: Panel, method: str) -> str:
    row = panel.row(method)
    if row is None:
        is_stale = any(other.method == method for other in panel.rows)
        return "*stale*" if is_stale else wording.DASH
    text = wording.with_interval(row.estimates[panel.metrics[0]])
    if panel.leads(row):
        text = f"**{text}**"
    return " ".join(filter(None, (text, wording.signs(row), exposure_wording.sign(panel, row))))


def tabulated(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table as GitHub reads it; a bar in a name is no end of its cell."""
    whole = [[cell.replace("|", r"\|") for cell in line] for line in (heads, *lines)]
    return tabulate(whole[1:], headers=whole[0], tablefmt="github", disable_numparse=True)
