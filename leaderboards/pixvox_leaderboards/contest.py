"""A contest: what makes one line of the chooser, who takes part, and what speaks against each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pixvox_leaderboards import exposure_wording, verdict, wording
from pixvox_leaderboards.apart import Apart
from pixvox_leaderboards.families import Family
from pixvox_leaderboards.freezing import ALONG, FROZEN, TRAINED
from pixvox_leaderboards.labels import share_of
from pixvox_leaderboards.league import League
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import NOT_BETTER, WORSE, Row, floor_of
from pixvox_leaderboards.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Contest:
    """A league, or a panel that is in none."""

    league: League | None
    panels: tuple[Panel, ...]

    @property
    def is_frozen(self) -> bool:
        """Does its protocol leave the encoder as it is?"""
        return share_of(self.panels[0].protocol)[0] in FROZEN

    @property
    def is_trained(self) -> bool:
        """Does its protocol train the encoder?"""
        return share_of(self.panels[0].protocol)[0] in TRAINED

    @property
    def methods(self) -> list[str]:
        """Who takes part, best first, without the references."""
        if self.league is not None:
            return [one.method for one in self.league.standings if not one.is_reference]
        rows = self.panels[0].rows
        return [row.method for row in rows if not row.is_reference and not row.is_stale]

    @property
    def fresh(self) -> str | None:
        """The best that needs no weights: random init of whatever backbone."""
        if self.league is None:
            best = _best(self.panels[0], _floors(self.panels[0]))
            return best.method if best else None
        floors = {row.method for panel in self.panels for row in _floors(panel)}
        return next((s.method for s in self.league.standings if s.method in floors), None)

    def verdict(self, family: Family) -> Verdict:
        """Who comes first."""
        if self.league is None:
            return verdict.of_panel(self.panels[0], family.apart)
        return verdict.of_league(self.league, family.panels, family.apart)

    def score_text(self, method: str) -> str:
        """Its mean rank, or its score."""
        if self.league is not None:
            own = next(one for one in self.league.standings if one.method == method)
            return f"mean rank {own.mean_rank:.2f} [{own.low:.2f}, {own.high:.2f}]"
        (panel,), metric = self.panels, self.panels[0].metrics[0]
        row = panel.row(method)
        score = wording.with_interval(row.estimates[metric] if row else None)
        return f"{wording.metric_label(panel, metric)} {score}"

    def sign_text(self, method: str) -> str:
        """What speaks against it on some task: marks of its rows, and test cases it was shown."""
        rows = self.rows([method])
        marks = [wording.signs(row) for row in rows if row.is_doubtful]
        states = {row.exposure.state for row in rows}
        shown = [f"({sign})" for state, sign in exposure_wording.SIGNS.items() if state in states]
        return "".join(f" {sign}" for sign in (*marks[:1], *shown[:1]))

    def is_doubtful(self, method: str) -> bool:
        """Has it collapsed, or is it not better than random init, on every task?

        Better than its own is not enough: with no weights at all one takes the best random init.
        """
        found = [(panel, row) for panel in self.panels if (row := panel.row(method))]
        return all(row.is_doubtful or _is_below_fresh(panel, row) for panel, row in found)

    def doubt_text(self, method: str, apart: Apart) -> str:
        """Why it is not taken: ``a 0.857 [0.840, 0.868]: not told apart from b 0.856``."""
        told = [
            f"{wording.with_interval(row.estimates[panel.metrics[0]])}: {doubt}{self._where(panel)}"
            for panel in self.panels
            if (row := panel.row(method)) and (doubt := _doubt(panel, row, apart))
        ]
        return f"{wording.name_of(method)} {'; '.join(told)}" if told else ""

    def along_texts(self, family: Family, methods: Sequence[str]) -> list[str]:
        """Where the encoder is frozen: who does better than some methods with it trained along."""
        found = []
        for panel in self.panels if self.is_frozen else ():
            own = _best(panel, [row for m in methods if (row := panel.row(m))])
            best = _best(panel, [row for p in _trained(panel, family) for row in p.rows])
            if own is not None and best is not None and _is_above(panel, best, own):
                who = _named(panel, best, "has ")
                found.append(f"but trained along{self._where(panel)}, {who}")
        return found

    def rows(self, methods: Sequence[str]) -> list[Row]:
        """Of some methods, on all panels."""
        found = [panel.row(method) for method in methods for panel in self.panels]
        return [row for row in found if row is not None]

    def _where(self, panel: Panel) -> str:
        """Said where there are several tasks."""
        return f" on {panel.task}" if self.league is not None else ""


def contests(family: Family) -> list[Contest]:
    """The leagues of a family, and each panel that is in none; by budget, protocol and labels."""
    found = [
        Contest(league=league, panels=tuple(verdict.panels_of(league, family.panels)))
        for league in family.leagues
    ]
    grouped = {id(panel) for contest in found for panel in contest.panels}
    found += [
        Contest(league=None, panels=(panel,)) for panel in family.panels if id(panel) not in grouped
    ]

    def order(contest: Contest) -> tuple[int, str, float, str]:
        head = contest.panels[0]
        budget = family.budgets.index(head.budget["name"])
        return budget, *share_of(head.protocol), head.task

    return sorted(found, key=order)


def _doubt(panel: Panel, row: Row, apart: Apart) -> str:
    """What speaks against a row; nothing where it is above every random init."""
    if row.is_collapsed:
        return "has collapsed"
    fresh, own = _best(panel, _floors(panel)), floor_of(row, panel.rows)
    if fresh is not None and _is_above(panel, fresh, row):
        place = panel.budget["name"], panel.task, panel.protocol, fresh.method, row.method
        return f"{'below' if place in apart else 'not told apart from'} {_named(panel, fresh)}"
    if own is not None and (NOT_BETTER in row.marks or WORSE in row.marks):
        return f"{'below' if WORSE in row.marks else 'not told apart from'} {_named(panel, own)}"
    return ""


def _named(panel: Panel, row: Row, verb: str = "") -> str:
    mean = wording.figure(row.estimates[panel.metrics[0]].mean)
    return f"{wording.name_of(row.method)} {verb}{mean}"


def _floors(panel: Panel) -> list[Row]:
    return [row for row in panel.rows if row.is_floor and not row.is_stale]


def _trained(panel: Panel, family: Family) -> list[Panel]:
    """The same task, budget, labels and metric, with the encoder trained along."""
    _, percent = share_of(panel.protocol)
    return [
        other
        for other in family.panels
        for protocol, labels in [share_of(other.protocol)]
        if protocol in ALONG and (other.task, labels) == (panel.task, percent)
        if (other.budget["name"], other.metrics[0]) == (panel.budget["name"], panel.metrics[0])
    ]


def _best(panel: Panel, rows: Sequence[Row]) -> Row | None:
    """By what ranks the panel; the first of equals."""
    return max(
        (row for row in rows if not row.is_stale), key=lambda row: _score(panel, row), default=None
    )


def _is_above(panel: Panel, row: Row, other: Row) -> bool:
    return _score(panel, row) > _score(panel, other)


def _is_below_fresh(panel: Panel, row: Row) -> bool:
    return any(_is_above(panel, fresh, row) for fresh in _floors(panel))


def _score(panel: Panel, row: Row) -> float:
    """Larger is better."""
    metric = panel.metrics[0]
    mean = row.estimates[metric].mean
    return mean if panel.higher_is_better[metric] else -mean
