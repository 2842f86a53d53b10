"""Which weights for what: per family the methods that come first, and what speaks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from pixvox_leaderboards import exposure_wording, verdict, wording
from pixvox_leaderboards.effort import UNKNOWN, Efforts, labels_of
from pixvox_leaderboards.families import SEGMENTATION, Family
from pixvox_leaderboards.labels import labels_text, share_of
from pixvox_leaderboards.league import League
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row
from pixvox_leaderboards.verdict import MOST, Verdict

FEW_LABELS = 20  # what many who outline volumes have; from half to twice as many answer for it
HEADS = (
    "for",
    "labels",
    "take",
    "not told apart from",
    "pretraining of one takes",
    "get it by",
    "measured on",
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One line of the chooser, in words.

    Args:
        labels: what the protocol learnt from.
        take: the methods that share the first place, each with its score; or why there is none.
        near: who is not told apart from one of these, and who is told above. Who shares the first
            place, but has collapsed or is not better than random init, is here, and not taken.
        effort: seconds on which machine, and parameters.
        command: what brings the weights.
        measured: tasks, protocol and budget.
    """

    family: str
    labels: str
    take: str
    near: str = wording.DASH
    effort: str = wording.DASH
    command: str = wording.DASH
    measured: str = wording.DASH

    def cells(self) -> list[str]:
        """In the order of ``HEADS``."""
        asked, answer = [self.family, self.labels], [self.take, self.near, self.effort]
        return [*asked, *answer, self.command, self.measured]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What makes one line: a league, or a panel that is in none."""

    league: League | None
    panels: tuple[Panel, ...]

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

    def rows(self, methods: Sequence[str]) -> list[Row]:
        """Of some methods, on all panels."""
        found = [panel.row(method) for method in methods for panel in self.panels]
        return [row for row in found if row is not None]


def _is_below_fresh(panel: Panel, row: Row) -> bool:
    metric = panel.metrics[0]
    turned = 1 if panel.higher_is_better[metric] else -1
    fresh = [each for each in panel.rows if each.is_floor and not each.is_stale]
    mean = row.estimates[metric].mean
    return any(turned * each.estimates[metric].mean > turned * mean for each in fresh)


def choices(found: Iterable[Family], efforts: Efforts, released: Mapping[str, str]) -> list[Choice]:
    """A line for everything that was measured, and for each family that was not.

    Args:
        released: names of published weights by their sha256: a name is that of the very weights
            that were measured.
    """
    lines = []
    for family in found:
        lines += [_choice(family, contest, efforts, released) for contest in contests(family)]
        if not family.panels:
            lines.append(_unmeasured(family, wording.DASH))
        if family.kind == SEGMENTATION and not _has_few(family.panels, efforts):
            lines.append(_unmeasured(family, f"about {FEW_LABELS}"))
    return lines


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


def _choice(
    family: Family, contest: Contest, efforts: Efforts, released: Mapping[str, str]
) -> Choice:
    head, told = contest.panels[0], contest.verdict(family)
    protocol, percent = share_of(head.protocol)
    counts = {labels_of(panel, efforts) for panel in contest.panels}
    line = Choice(
        family=family.title,
        labels=labels_text(percent, counts.pop() if len(counts) == 1 else None),
        take="",
        measured=f"{', '.join(panel.task for panel in contest.panels)} "
        f"({protocol}, `{head.budget['name']}`)",
    )
    taken = [method for method in told.first if not contest.is_doubtful(method)]
    if not taken:
        return replace(line, take=_why_none(contest, told))
    shown = taken[:MOST]
    take = [
        f"**{wording.name_of(m)}** {contest.score_text(m)}{contest.sign_text(m)}" for m in shown
    ]
    take += [f"and {len(taken) - MOST} more"] * (len(taken) > MOST)
    return replace(
        line,
        take="<br>".join(take),
        near=_near_text([m for m in told.first if m not in taken], told),
        effort=_effort_text(contest.rows(shown), efforts),
        command=_command(contest, shown, efforts, released),
    )


def _why_none(contest: Contest, told: Verdict) -> str:
    if told.first:
        first = verdict.listed([wording.name_of(method) for method in told.first])
        words = "has" if len(told.first) == 1 else "share the first place, but each has"
        why = f"nothing: {first} {words} collapsed or is not better than random init"
        alone = contest.league is None
        return why + (verdict.fresh_text(contest.panels[0]) if alone else "")
    return (
        verdict.unranked_text(contest.panels[0]) if contest.league is None else "nobody is ranked"
    )


def _unmeasured(family: Family, labels: str) -> Choice:
    return Choice(family=family.title, labels=labels, take="*not measured*")


def _has_few(panels: Iterable[Panel], efforts: Efforts) -> bool:
    counts = (labels_of(panel, efforts) for panel in panels)
    return any(count and FEW_LABELS / 2 <= count <= FEW_LABELS * 2 for count in counts)


def _near_text(doubtful: Sequence[str], told: Verdict) -> str:
    """Who else: first of those who share the place, but are not taken."""
    near = [wording.name_of(method) for method in (*doubtful, *told.near)]
    parts = [verdict.listed(near) if near else "nobody"]
    if told.above:
        parts.append(f"below {verdict.listed([*map(wording.name_of, told.above)])}")
    return "; ".join(parts)


def _effort_text(rows: Sequence[Row], efforts: Efforts) -> str:
    """``93 to 110 s on AMD EPYC, 2 threads; 11.2 M parameters``, as far as it is known."""
    machines: dict[str, list[float]] = {}
    for row in rows:
        effort = efforts.get(row.keys, UNKNOWN)
        if effort.seconds is not None:
            machines.setdefault(effort.machine, []).append(effort.seconds)
    spent = [f"{_range(each)} s on {machine}" for machine, each in sorted(machines.items())]
    sizes = sorted({row.parameters for row in rows})
    parameters = " to ".join(dict.fromkeys(map(wording.size_text, (sizes[0], sizes[-1]))))
    return "; ".join([*(spent or ["unknown time"]), f"{parameters} parameters"])


def _range(values: Sequence[float]) -> str:
    """Whole seconds, from the least to the most.

    >>> _range([93.4, 110.2]), _range([93.4, 93.1])
    ('93 to 110', '93')
    """
    return " to ".join(dict.fromkeys(f"{value:,.0f}" for value in (min(values), max(values))))


def _command(
    contest: Contest, methods: Sequence[str], efforts: Efforts, released: Mapping[str, str]
) -> str:
    """What loads the weights; where some are not published, what makes and measures them anew."""
    rows = contest.rows(methods)
    found = [
        {released[sha] for sha in efforts.get(row.keys, UNKNOWN).weights if sha in released}
        for row in rows
    ]
    loads = "<br>".join(f'`pixvox_zoo.load("{name}")`' for name in sorted(set().union(*found)))
    if all(found):
        return loads
    recipes = [method for method in methods if not method.startswith("weights:")]
    if not recipes:
        return loads or "not published"
    head = contest.panels[0]
    return f"{loads}<br>" * bool(loads) + (
        f"`pixvox benchmark --methods {quote(','.join(recipes))} "
        f"--tasks {','.join(panel.task for panel in contest.panels)} "
        f"--protocols {head.protocol} --budget {head.budget['name']} "
        f"--seeds {1 + max(seed for row in rows for seed in row.seeds)}`"
    )
