"""How a board words its leagues, the same in Markdown and on the page."""

from __future__ import annotations

from pixvox_leaderboards.league import League, Standing
from pixvox_leaderboards.wording import name_of, p_text

LEGEND = (
    "Mean ranks over tasks [95 % interval over cases, drawn anew within each task]; a place is one "
    "more than the number of methods whose whole interval is better. References take part. Beside "
    "them Friedman's test and Nemenyi's critical difference take the tasks for a sample of tasks.",
)


def title(league: League) -> str:
    """For headings."""
    return f"Mean ranks · {league.protocol}"


def cells(league: League) -> tuple[list[str], list[list[str]]]:
    """Heads and lines of its table; references in stars."""
    heads = ["place", "method", "mean rank", *league.tasks]
    return heads, [_line(standing) for standing in league.standings]


def told(league: League) -> str:
    """What the tasks tell of the methods, and what they cannot."""
    methods, tasks = len(league.standings), len(league.tasks)
    parts = []
    if league.critical_difference is None:
        parts.append(
            f"{tasks} tasks can tell nothing of {methods} methods in general, whatever they score: "
            "there is no critical difference."
        )
    else:
        parts.append(
            f"Friedman's chi-square {league.chi_square:.2f}, "
            f"p {p_text(league.p)} by permutation; Nemenyi's critical difference at "
            f"5 % is {league.critical_difference:.2f}. {_apart(league)}"
        )
    if league.left_out:
        names = ", ".join(map(name_of, league.left_out))
        parts.append(f"Left out, as they lack a task: {names}.")
    return " ".join(parts)


def _apart(league: League) -> str:
    """Who is told from the best one."""
    if not league.is_told:
        return "No two methods are told apart."
    reach = max((last for first, last in league.cliques if first == 0), default=0)
    worse = [name_of(standing.method) for standing in league.standings[reach + 1 :]]
    return f"{name_of(league.standings[0].method)} is told from {', '.join(worse)}."


def _line(standing: Standing) -> list[str]:
    found = [
        str(standing.place),
        name_of(standing.method),
        f"{standing.mean_rank:.2f} [{standing.low:.2f}, {standing.high:.2f}]",
        *[f"{rank:g}" for rank in standing.ranks],
    ]
    return [f"*{cell}*" for cell in found] if standing.is_reference else found
