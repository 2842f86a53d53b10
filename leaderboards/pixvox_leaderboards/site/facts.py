"""Facts of result files as text: whatever JSON holds, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pixvox_leaderboards.site.elements import Child, Html, el, joined

SHOWN = 12  # digits of a digest that people compare


def told(value: Any) -> str:
    """One value.

    >>> told(0.98740613), told(True), told({"b": 1, "a": [2, 3]}), told(None)
    ('0.9874', 'yes', 'a 2, 3; b 1', '—')
    """
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {told(value[name])}" for name in sorted(value)) or "—"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(told, value)) or "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "—" if value in (None, "") else str(value)


def words(name: str) -> str:
    """A field's name as people read it."""
    return name.replace("_", " ")


def terms(pairs: Iterable[tuple[str, Child]]) -> Html:
    """A list of terms and what is said of them."""
    return el(
        "dl",
        joined([el("div", el("dt", term), el("dd", said)) for term, said in pairs if said]),
        class_="facts",
    )


def short(digest: str) -> Html:
    """The first digits of a digest; the whole of it is told on hovering."""
    return el("code", digest[:SHOWN] or "—", title=digest)


def distinct(values: Iterable[str]) -> str:
    """All values that differ, in their order."""
    return ", ".join(dict.fromkeys(value for value in values if value))
