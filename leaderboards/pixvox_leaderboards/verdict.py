"""Who comes first, and whether that is certain: in plain words, from ranks and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pixvox_leaderboards.apart import Apart
from pixvox_leaderboards.league import League
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row
from pixvox_leaderboards.wording import name_of, signs, with_interval

MOST = 4  # names in a sentence; the table has the others


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Of one panel, or of one league.

    Args:
        first: methods that share the first place, best first; none where nobody is ranked.
        above: references that are told above one of the first.
        near: others that are not told from each of the first.
        behind: others that are told below each of the first.
    """

    first: tuple[str, ...]
    above: tuple[str, ...]
    near: tuple[str, ...]
    behind: tuple[str, ...]


def of_panel(panel: Panel, apart: Apart) -> Verdict:
    """First are those of rank 1, less those that the paired test tells below another method.

    Where interval and test disagree, the test decides.
    """
    leading = [row.method for row in panel.rows if row.rank == 1]
    rows = {row.method: row.is_reference for row in panel.rows if not row.is_stale}
    return _verdict(leading, rows, _below([panel], apart))


def of_league(league: League, panels: Sequence[Panel], apart: Apart) -> Verdict:
    """First are methods of place 1; told means on one task at least, and the other way on none.

    Args:
        panels: those of the family.
    """
    leading = [s.method for s in league.standings if s.place == 1 and not s.is_reference]
    rows = {s.method: s.is_reference for s in league.standings}
    return _verdict(leading, rows, _below(panels_of(league, panels), apart))


def panels_of(league: League, panels: Sequence[Panel]) -> list[Panel]:
    """The panels that a league is over."""
    return [
        panel
        for panel in panels
        if (panel.budget["name"], panel.protocol) == (league.budget, league.protocol)
        and panel.task in league.tasks
    ]


def of_panel_text(panel: Panel, verdict: Verdict) -> str:
    """One sentence."""
    if not verdict.first:
        why = unranked_text(panel)
        return f"{why[0].upper()}{why[1:]}."
    if sum(not row.is_reference and not row.is_stale for row in panel.rows) == 1:
        words = "is the only method that was measured"
    else:
        words = "leads" if len(verdict.first) == 1 else "share the first place"
    signed = [f"{name_of(m)}{signs(row)}" for m in verdict.first if (row := panel.row(m))]
    return f"{listed(signed)} {words}{_certainty(verdict)}."


def unranked_text(panel: Panel) -> str:
    """Why nobody is ranked on a panel."""
    today = [row for row in panel.rows if not row.is_stale]
    if any(not row.is_reference for row in today):
        return "nobody is ranked, as no method has an interval"
    scores = ", ".join(_scored(panel, row) for row in today[:MOST])
    return f"nothing to choose: only references were measured ({scores})"


def _certainty(verdict: Verdict) -> str:
    """What the tests tell of the others."""
    alone = len(verdict.first) == 1
    parts = []
    if verdict.behind:
        words = "it is told from" if alone else "each is told from"
        parts.append(f"{words} {_names(verdict.behind)}")
    if verdict.near:
        words = "it is not told from" if alone else "not every one is told from"
        parts.append(f"{words} {_names(verdict.near)}")
    if verdict.above:
        words = "it is below" if alone else "some are below"
        parts.append(f"{words} {_names(verdict.above)}")
    return "".join(f"; {part}" for part in parts)


def _scored(panel: Panel, row: Row) -> str:
    return f"{name_of(row.method)} {with_interval(row.estimates[panel.metrics[0]])}"


def _names(methods: Sequence[str]) -> str:
    return listed([name_of(method) for method in methods])


def listed(names: Sequence[str]) -> str:
    """``a, b and c``; of many the first few, and how many more.

    >>> listed(["a", "b", "c"]), listed("abcdefg")
    ('a, b and c', 'a, b, c, d and 3 more')
    """
    shown = list(names[:MOST])
    more = len(names) - len(shown)
    shown += [f"{more} more"] * bool(more)
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def _verdict(
    leading: Sequence[str], rows: Mapping[str, bool], below: set[tuple[str, str]]
) -> Verdict:
    """Of ``{method: is it a reference?}``, in the order of the table."""
    methods = [method for method, is_reference in rows.items() if not is_reference]
    unbeaten = [m for m in leading if not any((m, better) in below for better in methods)]
    first = unbeaten or leading  # tasks may tell three of them apart in a circle
    rest = [m for m in rows if m not in first]
    above = [m for m in rest if any((mine, m) in below for mine in first)]
    behind = [m for m in rest if all((m, mine) in below for mine in first)]
    return Verdict(
        first=tuple(first),
        above=tuple(above),
        near=tuple(m for m in rest if m not in {*above, *behind}),
        behind=tuple(behind),
    )


def _below(panels: Sequence[Panel], apart: Apart) -> set[tuple[str, str]]:
    """``(worse, better)``: told on a panel, and the other way round on none."""
    places = {(panel.budget["name"], panel.task, panel.protocol) for panel in panels}
    found = {(told.worse, told.better) for told in apart if told[:3] in places}
    return {(worse, better) for worse, better in found if (better, worse) not in found}
