"""What a method is called in links: a name that files, shells and addresses take."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection
from pathlib import PurePath
from shlex import quote

from pixvox_leaderboards.board import Board
from pixvox_leaderboards.wording import name_of

LONGEST = 80


def slugs(methods: Collection[str]) -> dict[str, str]:
    """``{method: slug}``; two never share one, not even where a file system ignores case.

    >>> slugs(["simclr", "hub:owner/name"])
    {'simclr': 'simclr', 'hub:owner/name': 'hub_owner_name'}
    """
    plain = {method: _plain(shown) for method, shown in told_apart(methods).items()}
    count = Counter(slug.lower() for slug in plain.values())
    return {
        method: slug if count[slug.lower()] == 1 else f"{slug}-{_digest(method)}"
        for method, slug in plain.items()
    }


def told_apart(methods: Collection[str]) -> dict[str, str]:
    """``{method: what a page calls it}``: its short name, and what tells it from its namesakes.

    >>> list(told_apart(["weights:a/run/weights", "weights:b/run/weights", "simclr"]).values())
    ['run (weights:a)', 'run (weights:b)', 'simclr']
    """
    namesakes: dict[str, list[str]] = {}
    for method in methods:
        namesakes.setdefault(name_of(method), []).append(method)
    shown = {method: _apart(method, namesakes[name_of(method)]) for method in methods}
    count = Counter(shown.values())
    return {method: name if count[name] == 1 else method for method, name in shown.items()}


def _apart(method: str, namesakes: Collection[str]) -> str:
    """Beside the short name, the parts of its path that not all namesakes have."""
    common = set.intersection(*[set(each.split("/")) for each in namesakes])
    own = "/".join(part for part in method.split("/") if part not in common)
    return f"{name_of(method)} ({own})" if own else name_of(method)


def methods_on(board: Board) -> list[str]:
    """Every method that has a row, stale ones too."""
    return sorted({row.method for panel in board.panels for row in panel.rows})


def folder(results: PurePath) -> str:
    """A folder as a shell takes it."""
    return quote(results.as_posix())


def stands_for(results: PurePath) -> str:
    """What a reader must know of the folder that commands name."""
    return f"{folder(results)}: the folder of result files that this page was made from."


def _plain(name: str) -> str:
    """Only letters, digits, ``_``, ``-`` and inner dots."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:LONGEST].strip("._") or "method"


def _digest(method: str) -> str:
    return hashlib.sha256(method.encode()).hexdigest()[:8]
