"""A board as one page: no network, no script; light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pixvox_leaderboards import exposure_wording, gap_wording, league_wording, wording
from pixvox_leaderboards.board import Board
from pixvox_leaderboards.estimate import Estimate
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row

STRIP = 220  # width of an interval drawing, in its own units

STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --soft: #666; --line: #e3e3e3;
  --method: #0072b2; --reference: #7a7a7a; --band: #7a7a7a22; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #16181c; --soft: #a0a0a0;
  --line: #33363c; --method: #56b4e9; --reference: #9a9a9a; --band: #9a9a9a33; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 82rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.25rem; margin: 2.2rem 0 0; }
h3 { font-size: 1.05rem; margin: 1.8rem 0 0; } p { margin: .2rem 0 .6rem; }
p, small, td.soft, th { color: var(--soft); } code { color: var(--ink); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { font-weight: 500; font-size: .85rem; text-align: left; vertical-align: bottom; }
th, td { padding: .28rem .8rem .28rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
tr.reference td { color: var(--soft); } tr.stale { opacity: .45; }
tr.method + tr.reference td { border-top: 2px solid var(--line); }
td small { margin-left: .35rem; } small[title] { cursor: help; }
svg { display: block; width: 13.75rem; height: 1.1rem; }
svg .band { fill: var(--band); } svg .chance { stroke: var(--reference); stroke-dasharray: 3 3; }
svg .method { stroke: var(--method); fill: var(--method); }
svg .reference { stroke: var(--reference); fill: var(--reference); }
svg .interval { stroke-width: 3; stroke-linecap: round; }
svg .hollow { fill: var(--paper); stroke-width: 2; }
"""


def page(board: Board) -> str:
    """The whole page, everything inside it."""
    parts = ["<h1>PixVox board</h1>", f"<p>{escape(wording.origin_text(board))}</p>"]
    for budget in board.budgets:
        panels = board.under(budget)
        parts.append(f"<h2>Budget <code>{escape(budget)}</code></h2>")
        parts.append(f"<p>{escape(wording.budget_texts(panels))}</p>")
        if len(panels) > 1:
            parts += _overviews(panels)
        for league in board.leagues_under(budget):
            heads, lines = league_wording.cells(league)
            parts.append(f"<h3>{escape(league_wording.title(league))}</h3>")
            parts.append(_tabulated(list(map(escape, heads)), [_plain(line) for line in lines]))
            parts += _paragraphs([league_wording.told(league)])
        for panel in panels:
            parts.append(f"<h3>{escape(wording.panel_title(panel))}</h3>")
            parts.append(f"<p>{escape(wording.panel_facts(panel))}</p>{_table(panel)}")
            parts += _paragraphs([wording.floor_text(panel)])
    parts += _paragraphs([*exposure_wording.duplicates_told(board), *gap_wording.told(board)])
    legend = [*wording.LEGEND, *exposure_wording.LEGEND, wording.TABLES]
    parts += _paragraphs([*legend, *(league_wording.LEGEND if board.leagues else ())])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>PixVox board</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _paragraphs(sentences: Sequence[str]) -> list[str]:
    return [f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence]


def _overviews(panels: Sequence[Panel]) -> list[str]:
    return [_overview(protocol, column) for protocol, column in wording.by_protocol(panels).items()]


def _overview(protocol: str, column: Sequence[Panel]) -> str:
    methods, references = wording.methods_of(column)
    kinds = {**dict.fromkeys(methods, "method"), **dict.fromkeys(references, "reference")}
    return _tabulated(
        [escape(protocol), *[escape(wording.column_title(panel)) for panel in column]],
        [
            f'<tr class="{kind}"><td>{escape(wording.name_of(method))}</td>'
            + "".join(f"<td>{_cell(panel, method)}</td>" for panel in column)
            + "</tr>"
            for method, kind in kinds.items()
        ],
    )


def _cell(panel: Panel, method: str) -> str:
    row = panel.row(method)
    if row is None:
        is_stale = any(other.method == method for other in panel.rows)
        return "<small>stale</small>" if is_stale else wording.DASH
    estimate = row.estimates[panel.metrics[0]]
    mean = wording.figure(estimate.mean)
    if panel.leads(row):
        mean = f"<b>{mean}</b>"
    signs = [wording.signs(row), exposure_wording.sign(panel, row)]
    return mean + _range(estimate) + escape(" ".join(filter(None, signs)))


def _table(panel: Panel) -> str:
    first, *others = panel.metrics
    heads = ["rank", "method", escape(wording.metric_label(panel, first)), ""]
    heads += ["over random init", "p (Holm)", "seed SD"]
    heads += [escape(wording.metric_label(panel, metric)) for metric in others]
    heads += ["seeds", "scored", "stem", "parameters", "test cases seen", "marks"]
    return _tabulated(heads, [_line(panel, row) for row in panel.rows])


def _line(panel: Panel, row: Row) -> str:
    first, *others = panel.metrics
    kind = "stale" if row.is_stale else "reference" if row.is_reference else "method"
    ranking = row.estimates.get(first)
    cells = [
        wording.rank_text(row),
        escape(wording.name_of(row.method)),
        _estimate(ranking),
        _strip(panel, row) if ranking else "",
        wording.gain_text(row.over_floor),
        escape(wording.chance_text(row.over_floor)),
        wording.figure(ranking.seed_sd if ranking else None),
        *[_estimate(row.estimates.get(metric)) for metric in others],
        str(len(row.seeds)),
        wording.scored_text(row),
        escape(row.stem),
        wording.size_text(row.parameters),
        exposure_wording.cell(row),
        escape(", ".join(row.marks)),
    ]
    return f'<tr class="{kind}">' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _plain(cells: Sequence[str]) -> str:
    """A line of a table that is nothing but text; ``*x*`` is a reference."""
    kind = "reference" if cells[0].startswith("*") else "method"
    inside = "".join(f"<td>{escape(cell.strip('*'))}</td>" for cell in cells)
    return f'<tr class="{kind}">{inside}</tr>'


def _estimate(estimate: Estimate | None) -> str:
    return wording.DASH if estimate is None else wording.figure(estimate.mean) + _range(estimate)


def _range(estimate: Estimate) -> str:
    note = f' title="{escape(estimate.note)}"' if estimate.note else ""
    return f"<small{note}>{wording.interval_text(estimate)}</small>"


def _strip(panel: Panel, row: Row) -> str:
    """Dot and interval of a row on the axis of its panel, random init behind it."""
    metric = panel.metrics[0]
    ends = [
        value
        for estimate in (r.estimates[metric] for r in panel.rows if metric in r.estimates)
        for value in (estimate.mean, estimate.low, estimate.high)
        if value is not None
    ]
    left, width = min(ends), max(max(ends) - min(ends), 1e-3)

    def x(value: float) -> str:
        return f"{8 + (value - left) / width * (STRIP - 16):.1f}"

    kind = "reference" if row.is_reference else "method"
    shapes = []
    floor = panel.floor
    if floor is not None:
        chance = floor.estimates[metric]
        if chance.low is not None and chance.high is not None:
            span = float(x(chance.high)) - float(x(chance.low))
            shapes.append(
                f'<rect class="band" x="{x(chance.low)}" y="0" width="{span:.1f}" height="18"/>'
            )
        at = x(chance.mean)
        shapes.append(f'<line class="chance" x1="{at}" x2="{at}" y1="0" y2="18"/>')
    mine = row.estimates[metric]
    if mine.low is not None and mine.high is not None:
        shapes.append(
            f'<line class="{kind} interval" x1="{x(mine.low)}" x2="{x(mine.high)}" y1="9" y2="9"/>'
        )
    hollow = " hollow" if row.is_doubtful else ""
    shapes.append(f'<circle class="{kind}{hollow}" cx="{x(mine.mean)}" cy="9" r="4.5"/>')
    said = escape(f"{wording.name_of(row.method)}: {wording.with_interval(mine)}", quote=True)
    return f'<svg viewBox="0 0 {STRIP} 18" role="img" aria-label="{said}">{"".join(shapes)}</svg>'


def _tabulated(heads: Sequence[str], lines: Sequence[str]) -> str:
    head = "".join(f"<th>{text}</th>" for text in heads)
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody></table></div>"
    )
