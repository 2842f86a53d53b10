"""Which weights for what: per family the methods that come first, and what speaks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from pixvox_leaderboards import verdict, wording
from pixvox_leaderboards.contest import Contest, contests
from pixvox_leaderboards.effort import UNKNOWN, Efforts, labels_of
from pixvox_leaderboards.families import SEGMENTATION, Family
from pixvox_leaderboards.labels import few_text, is_few, labels_text, share_of
from pixvox_leaderboards.row import Row
from pixvox_leaderboards.verdict import MOST, Verdict

HEADS = (
    "for",
    "labels",
    "take",
    "get it by",
    "others",
    "pretraining of one takes",
    "measured on",
)
NONE = "no others were measured"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One line of the chooser, in words.

    Args:
        is_frozen: is the encoder left as it is?
        labels: what the protocol learnt from.
        take: the methods that share the first place, each with its score; or what to do instead.
        others: who is not told apart from one of these, and who is told above. Who shares the first
            place, but has collapsed or is not better than random init, is here, and not taken.
            Where nobody is taken, what speaks against the best few.
        effort: seconds on which machine, and parameters.
        command: what brings the weights.
        measured: tasks, protocol and budget.
    """

    family: str
    labels: str
    take: str
    is_frozen: bool = False
    others: str = wording.DASH
    effort: str = wording.DASH
    command: str = wording.DASH
    measured: str = wording.DASH

    def cells(self) -> list[str]:
        """In the order of ``HEADS``."""
        asked = f"{self.family}, encoder frozen" if self.is_frozen else self.family
        answer = [self.take, self.command, self.others]
        return [asked, self.labels, *answer, self.effort, self.measured]


def choices(found: Iterable[Family], efforts: Efforts, released: Mapping[str, str]) -> list[Choice]:
    """A line for everything that was measured, and for each family that was not.

    Args:
        released: names of published weights by their sha256: a name is that of the very weights
            that were measured.
    """
    return [line for family in found for line in _lines(family, efforts, released)]


def _lines(family: Family, efforts: Efforts, released: Mapping[str, str]) -> list[Choice]:
    """Of one family; what answers for few labels stands first."""
    few: list[Choice] = []
    more: list[Choice] = []
    for contest in contests(family):
        line = _choice(family, contest, efforts, released)
        (few if is_few(_labels(contest, efforts)) else more).append(line)
    if family.kind == SEGMENTATION and not few:
        few.append(_unmeasured(family, few_text()))
    if not family.panels:
        more.append(_unmeasured(family, wording.DASH))
    return [*few, *more]


def _labels(contest: Contest, efforts: Efforts) -> int | None:
    """How many labelled cases it learnt from, where that is the same on all its tasks."""
    counts = {labels_of(panel, efforts) for panel in contest.panels}
    return counts.pop() if len(counts) == 1 else None


def _choice(
    family: Family, contest: Contest, efforts: Efforts, released: Mapping[str, str]
) -> Choice:
    head, told = contest.panels[0], contest.verdict(family)
    (protocol, percent), count = share_of(head.protocol), _labels(contest, efforts)
    line = Choice(
        family=family.title,
        is_frozen=contest.is_frozen,
        labels=few_text(percent, count) if is_few(count) else labels_text(percent, count),
        take="",
        measured=f"{', '.join(panel.task for panel in contest.panels)} ({protocol}, "
        f"`{head.budget['name']}`, {wording.seeds_text(contest.panels)})",
    )
    taken = [method for method in told.first if not contest.is_doubtful(method)]
    if not taken:
        return _without_weights(line, family, contest, told, efforts)
    shown = taken[:MOST]
    take = [
        f"**{wording.name_of(m)}** {contest.score_text(m)}{contest.sign_text(m)}" for m in shown
    ]
    take += [f"and {len(taken) - MOST} more"] * (len(taken) > MOST)
    along = contest.along_texts(family, taken)
    return replace(
        line,
        take="<br>".join([*take, *along]),
        others=_others_text([m for m in told.first if m not in taken], told),
        effort=_effort_text(contest.rows(shown), efforts),
        command=_command(contest, shown, efforts, released),
    )


def _without_weights(
    line: Choice, family: Family, contest: Contest, told: Verdict, efforts: Efforts
) -> Choice:
    """A line that takes nobody: what to do instead, and what speaks against the best few."""
    fresh = contest.fresh
    against = [contest.doubt_text(method, family.apart) for method in contest.methods]
    others = "<br>".join([*filter(None, against)][:MOST])
    if contest.methods and not told.first:
        return replace(line, take="nothing: nobody is ranked, as no method has an interval")
    if fresh is None:
        alone = verdict.unranked_text(contest.panels[0])
        return replace(line, take="nothing" if others else alone, others=others or wording.DASH)
    name, rows = wording.name_of(fresh), contest.rows([fresh])
    what = f"train {name} from scratch" if contest.is_trained else name
    what += " as it was drawn" * contest.is_frozen
    sizes = " to ".join(dict.fromkeys(wording.size_text(row.parameters) for row in rows))
    return replace(
        line,
        take="<br>".join(
            [
                f"**No weights**: {what}, {contest.score_text(fresh)}",
                *contest.along_texts(family, [fresh]),
            ]
        ),
        others=others or NONE,
        effort=f"none; {sizes} parameters",
        command=_command(contest, [fresh], efforts, {}),
    )


def _unmeasured(family: Family, labels: str) -> Choice:
    return Choice(family=family.title, labels=labels, take="*not measured*")


def _others_text(doubtful: Sequence[str], told: Verdict) -> str:
    """Who else: first of those who share the place, but are not taken."""
    near = [wording.name_of(method) for method in (*doubtful, *told.near)]
    parts = [f"not told apart: {verdict.listed(near)}"] if near else []
    if told.above:
        parts.append(f"told above: {verdict.listed([*map(wording.name_of, told.above)])}")
    return "; ".join(parts) or ("all are told below" if told.behind else NONE)


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
