"""The page that holds two methods against each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from shlex import quote

from pixvox_leaderboards import wording
from pixvox_leaderboards.comparison import Comparison
from pixvox_leaderboards.estimate import Estimate
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.site.elements import Html, copied, el, joined, table
from pixvox_leaderboards.site.frame import page
from pixvox_leaderboards.site.names import folder, stands_for
from pixvox_leaderboards.site.pairs import Duel, Duels
from pixvox_leaderboards.site.strip import Axis, difference_strip

READING = (
    "Difference: the score of the first less that of the second by the ranking metric [95 % "
    "interval over cases, each resample draws its cases once for both]; filled: told apart at 5 %. "
    "p is of a paired permutation test over cases; Holm corrects over the lines of one pair, not "
    "for having looked at many pairs: choose the two before looking."
)


def versus(
    duels: Duels, slugs: Mapping[str, str], shown: Mapping[str, str], results: PurePath
) -> bytes:
    """The page: a section for each pair; the script shows the one that the address names."""
    sections = [_section(duel, slugs, shown) for duel in duels.found]
    everyone = [*duels.methods, *duels.left_out]
    return page(
        "compare.html",
        "Compare two methods",
        el("h1", "Compare two methods"),
        _chooser(everyone, slugs, shown, results),
        el("p", id="unmatched", role="status", hidden=True),
        *sections,
        _missing(duels, shown, results),
        el("p", READING, class_="prose"),
    )


def _chooser(
    methods: list[str], slugs: Mapping[str, str], shown: Mapping[str, str], results: PurePath
) -> Html:
    options = [
        el("option", shown[method], value=slugs[method], data_quoted=quote(method))
        for method in methods
    ]
    return el(
        "form",
        el("label", el("span", "First"), el("select", *options, name="first")),
        el("label", el("span", "Second"), el("select", *options, name="second")),
        id="pair",
        hidden=True,
        data_results=folder(results),
        aria_label="Choose two methods",
    )


def _section(duel: Duel, slugs: Mapping[str, str], shown: Mapping[str, str]) -> Html:
    first, second = shown[duel.first], shown[duel.second]
    name = f"{slugs[duel.first]},{slugs[duel.second]}"
    links = [
        el("a", shown[method], href=f"methods/{slugs[method]}.html")
        for method in (duel.first, duel.second)
    ]
    heads = ["task", "protocol", "metric", first, second, "difference"]
    heads += ["p", "p (Holm)", "says", "n", "budget"]
    axes = _axes(duel)
    lines = [_line(duel, panel, one, axes[panel.metrics[0]], shown) for panel, one in duel.lines]
    return el(
        "section",
        el("h2", links[0], " less ", links[1]),
        el("p", summary(duel, shown)),
        table(heads, lines, caption=f"{first} less {second}", class_="cards"),
        id=name,
        class_="duel",
    )


def _axes(duel: Duel) -> dict[str, Axis]:
    """One for each metric, no difference on it."""
    values: dict[str, list[float]] = {}
    for panel, one in duel.lines:
        mine = values.setdefault(panel.metrics[0], [0.0])
        mine += [one.difference, one.low, one.high]
    return {metric: Axis.of(found) for metric, found in values.items()}


def summary(duel: Duel, shown: Mapping[str, str]) -> str:
    """How often each is told to be better."""
    better = sum(one.is_better for _, one in duel.lines)
    worse = sum(one.is_worse for _, one in duel.lines)
    rest = len(duel.lines) - better - worse
    lines = "line" if len(duel.lines) == 1 else "lines"
    return (
        f"Of {len(duel.lines)} {lines}, {shown[duel.first]} is better on {better}, "
        f"{shown[duel.second]} on {worse}; {rest} tell no difference at 5 % after Holm."
    )


def _line(duel: Duel, panel: Panel, one: Comparison, axis: Axis, shown: Mapping[str, str]) -> Html:
    metric = panel.metrics[0]
    scores = [
        _score(row.estimates[metric]) if row else wording.DASH
        for row in (panel.row(duel.first), panel.row(duel.second))
    ]
    number, _, interval = wording.gain_text(one).partition(" ")
    shapes = [el("b", number), el("small", interval), difference_strip(axis, one)]
    cells: dict[str, str] = {
        "task": panel.task,
        "protocol": panel.protocol,
        "metric": wording.metric_label(panel, metric),
        "left": scores[0],
        "right": scores[1],
        "gap": el("div", *shapes, class_="measure"),
        "single": wording.DASH if one.p is None else wording.p_text(one.p),
        "p": wording.DASH if one.holm is None else wording.p_text(one.holm),
        "says": says(duel, one, shown),
        "n": str(one.cases),
        "budget": str(panel.budget["name"]),
    }
    return el("tr", *[el("td", cell, class_=name) for name, cell in cells.items()])


def _score(estimate: Estimate) -> Html:
    mean, interval = wording.figure(estimate.mean), wording.interval_text(estimate)
    return joined([mean, el("small", interval)])


def says(duel: Duel, one: Comparison, shown: Mapping[str, str]) -> str:
    """Who is better, or that nothing is told."""
    if one.is_better:
        return f"{shown[duel.first]} better"
    if one.is_worse:
        return f"{shown[duel.second]} better"
    return one.note or "no difference told"


def _missing(duels: Duels, shown: Mapping[str, str], results: PurePath) -> Html | None:
    """Which pairs are not here, and how to have them."""
    command = copied(f"pixvox board {folder(results)} --compare A B")
    told = joined([command, el("p", stands_for(results), class_="soft")])
    if not duels.left_out:
        return joined([el("p", "Every pair that shares a task is here. At a terminal:"), told])
    names = ", ".join(shown[method] for method in duels.left_out)
    sentence = (
        f"Here are all pairs of the best {len(duels.methods)} methods. Not here, as each takes "
        f"time: pairs with {names}. To have one:"
    )
    return joined([el("p", sentence), told])
