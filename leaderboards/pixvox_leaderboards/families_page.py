"""Boards by task family as Markdown: the chooser, the families, label efficiency and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pixvox_leaderboards import (
    chooser,
    coverage,
    exposure_wording,
    league_wording,
    verdict,
    wording,
)
from pixvox_leaderboards.board import Board
from pixvox_leaderboards.cost import Cloud, by_task, clouds
from pixvox_leaderboards.efficiency import Sweep, sweeps
from pixvox_leaderboards.effort import Efforts
from pixvox_leaderboards.families import Family, families
from pixvox_leaderboards.labels import FEW_LABELS, labels_text
from pixvox_leaderboards.markdown import folded_overviews, tabulated
from pixvox_leaderboards.panel import Panel

RANKS, EFFICIENCY, COST = "ranks.png", "efficiency.png", "cost.png"
SHOWN = {
    RANKS: "Critical differences: mean ranks, and bars that join whom the tasks do not tell apart",
    EFFICIENCY: "Score over the number of labels, with 95 % intervals",
    COST: "Score over the time of pretraining, with 95 % intervals and the Pareto front",
}
ASKED = (
    "Find what you want to do and how many labelled cases you have; the line says what to take and "
    "the command that gets it. **No weights**: nothing pretrained that was measured here is told "
    "to be better than an encoder with random weights; *others* says what was measured, and why it "
    "is not taken. Encoder frozen: only what stands behind the encoder learnt from the labels; "
    "elsewhere both did. A score is followed by its 95 % interval over test cases. † not better "
    "than random init on some task; (s) or (?) pretraining was, or may have been, shown test cases."
)
CHOOSER = (
    "Take one of those that share the first place: rank 1, less whom the paired test tells below "
    "another method; over several tasks place 1 by mean rank. These cases do not tell them apart, "
    "which does not say that they are equal; the cheapest is a fair choice. Who has collapsed, is "
    "not better than random init of its backbone or scores below that of another is not taken, nor "
    "is a reference. The test is that of the "
    "board, after Holm over all pairs and tasks of a family's protocol and budget; over several "
    "tasks, told apart is who is told apart by one at least and the other way by none. Trained "
    "along: by the mean alone, as another protocol is no rival of this one. Seconds compare on one "
    "machine alone. Where the weights that were measured are not published, as they were or "
    "rounded, the command makes them anew.",
    f"Labels: the share of train that a protocol learnt from, and how many cases that is where the "
    f"results tell it. About {FEW_LABELS} is answered by {FEW_LABELS // 2} to {FEW_LABELS * 2} "
    "labelled cases, and by nothing else: what was measured with more does not say who leads with "
    "so few.",
)
COSTS = (
    "Pretraining is by the clock, on the machine that is named: the one on which most of the seeds "
    "ran, and the mean over these. Memory is the most that any seed held. Front of: the protocols "
    "by which nobody was as quick and as good, and better in one; by the mean alone, so see the "
    "intervals before paying for a step."
)


def page(board: Board, efforts: Efforts, released: Mapping[str, str]) -> str:
    """The whole page; pictures lie beside it.

    Args:
        released: names of published weights by their sha256.
    """
    curves, costs = sweeps(board.panels, efforts), clouds(board.panels, efforts)
    parts = [
        "# Boards by task family",
        wording.origin_text(board),
        "Every task of every protocol in full is in [board.md](board.md).",
        *_summary(board, efforts, released),
    ]
    if board.leagues:
        parts += ["## Mean ranks over all families", picture_of(RANKS, "")]
    if curves:
        parts += ["## Label efficiency", picture_of(EFFICIENCY, "")]
        parts += [text for sweep in curves for text in _sweep_texts(sweep)]
    if costs:
        parts += ["## Cost against score", picture_of(COST, ""), COSTS]
        parts += [text for group in by_task(costs) for text in _cost_texts(group)]
    return "\n\n".join([*parts, *wording.LEGEND, *exposure_wording.LEGEND]) + "\n"


def summary(board: Board, efforts: Efforts, released: Mapping[str, str], at: str) -> str:
    """What a README shows: the chooser, the families and the pictures.

    Args:
        at: the folder of the page and its pictures, seen from the README, with its last slash.
    """
    drawn = {
        RANKS: board.leagues,
        EFFICIENCY: sweeps(board.panels, efforts),
        COST: clouds(board.panels, efforts),
    }
    pictures = [picture_of(name, at) for name, shown in drawn.items() if shown]
    tables = f"Tables of label efficiency and cost are in [families.md]({at}families.md)."
    legend = [*wording.LEGEND, *exposure_wording.LEGEND, wording.origin_text(board)]
    return "\n\n".join([*_summary(board, efforts, released), *pictures, tables, *legend])


def picture_of(name: str, at: str) -> str:
    """As Markdown, with what it shows for those who do not see it."""
    return f"![{SHOWN[name]}]({at}{name})"


def _summary(board: Board, efforts: Efforts, released: Mapping[str, str]) -> list[str]:
    found = families(board.panels)
    lines = [choice.cells() for choice in chooser.choices(found, efforts, released)]
    parts = ["## Which weights for what", ASKED, tabulated(chooser.HEADS, lines), *CHOOSER]
    parts += ["## What was measured", tabulated(coverage.HEADS, coverage.lines(board.panels))]
    for family in found:
        parts += _family_texts(family)
    return [*parts, *(league_wording.LEGEND if any(family.leagues for family in found) else ())]


def _family_texts(family: Family) -> list[str]:
    parts = [f"## {family.title}"]
    if not family.panels:
        parts.append("Nothing was measured here.")
    for budget in family.budgets:
        part = family.under(budget)
        parts.append(f"Budget `{budget}`. {wording.budget_texts(part.panels)} {_cases(part)}")
        parts += folded_overviews(part.panels)
        for league in part.leagues:
            heads, lines = league_wording.cells(league)
            parts += [tabulated([f"{heads[0]}, {league.protocol}", *heads[1:]], lines)]
            parts.append(league_wording.told(league))
        parts.append("\n".join(f"- {line}" for line in _verdicts(part)))
    return parts


def _cases(family: Family) -> str:
    """How many test cases each task has."""
    counts = {panel.task: panel.cases for panel in family.panels}
    told = ", ".join(f"{task} {count:,}" for task, count in sorted(counts.items()))
    return f"Test cases: {told}."


def _verdicts(family: Family) -> list[str]:
    return [
        f"**{panel.task} · {panel.protocol}**: "
        f"{verdict.of_panel_text(panel, verdict.of_panel(panel, family.apart))}"
        for panel in family.panels
    ]


def _sweep_texts(sweep: Sweep) -> list[str]:
    heads = [
        f"{sweep.protocol}, {wording.metric_label(sweep.panels[0], sweep.metric)}",
        *map(labels_text, sweep.percents, sweep.labels),
    ]
    methods, references = sweep.methods
    names = {method: wording.name_of(method) for method in methods}
    names |= {method: f"*{wording.name_of(method)}*" for method in references}
    lines = [
        [name, *[_sweep_cell(panel, method) for panel in sweep.panels]]
        for method, name in names.items()
    ]
    return [f"### {sweep.task} · {sweep.protocol} · `{sweep.budget}`", tabulated(heads, lines)]


def _sweep_cell(panel: Panel, method: str) -> str:
    row = panel.row(method)
    if row is None:
        return wording.DASH
    text = wording.with_interval(row.estimates[panel.metrics[0]])
    signs = wording.signs(row), exposure_wording.sign(panel, row)
    return " ".join(filter(None, (f"**{text}**" if panel.leads(row) else text, *signs)))


def _cost_texts(group: Sequence[Cloud]) -> list[str]:
    """One table: what pretraining took, and where that pays."""
    panel, machine = group[0].panel, group[0].machine
    points = {point.row.method: point for cloud in reversed(group) for point in cloud.points}
    fronts = {
        method: [
            cloud.panel.protocol
            for cloud in group
            for point in cloud.points
            if point.on_front and point.row.method == method
        ]
        for method in points
    }
    lines = []
    for method, point in sorted(points.items(), key=lambda item: (item[1].seconds, item[0])):
        memory = point.effort.memory_mb
        line = [
            wording.name_of(method),
            f"{point.seconds:,.1f}",
            wording.DASH if memory is None else f"{memory:,.0f}",
            wording.size_text(point.row.parameters),
            ", ".join(fronts[method]) or wording.DASH,
        ]
        lines.append([f"*{cell}*" for cell in line] if point.row.is_reference else line)
    heads = ["method", "pretraining, s", "memory, MB", "parameters", "front of"]
    title = f"### {panel.task} · `{panel.budget['name']}` · {machine}"
    return [title, tabulated(heads, lines)]
