"""HTML elements whose text is escaped by construction."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

VOID = {"meta", "input", "br"}


class Html(str):
    """Text that is HTML already; any other string is escaped on its way in."""


Child: TypeAlias = str | None
Value: TypeAlias = str | int | float | bool | None


def el(tag: str, /, *children: Child, **attributes: Value) -> Html:
    """``<tag attributes>children</tag>``; children of None are left out.

    Attributes: ``class_`` is ``class``, ``aria_label`` is ``aria-label``; None and False leave one
    out, True gives its name alone.

    >>> el("td", "a < b", el("b", "c"), class_="wide", hidden=True)
    '<td class="wide" hidden>a &lt; b<b>c</b></td>'
    """
    start = f"<{tag}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Html(start if tag in VOID else f"{start}{joined(children)}</{tag}>")


def joined(children: Iterable[Child], between: str = "") -> Html:
    """Children one after the other, escaped unless they are HTML."""
    return Html(between.join(text(child) for child in children if child is not None))


def text(child: str) -> Html:
    """HTML as it is, anything else escaped."""
    return child if isinstance(child, Html) else Html(escape(child, quote=False))


def table(
    heads: Iterable[Child], lines: Iterable[Child], *, caption: str, class_: str | None = None
) -> Html:
    """A table in a box of its own that scrolls sideways.

    Args:
        heads: the text of each ``<th>``.
        lines: its ``<tr>``.
        caption: what a screen reader calls it.
        class_: ``cards`` where a narrow screen shows each line as a card.
    """
    head = el("tr", *[el("th", each, scope="col") for each in heads])
    inside = el("table", el("thead", head), el("tbody", joined(lines, "\n")), class_=class_)
    return el("div", inside, class_="wide", tabindex=0, role="region", aria_label=caption)


def copied(command: str) -> Html:
    """A command, with a button that copies it where there is a script."""
    button = el("button", "Copy", type="button", class_="copy", hidden=True)
    return el("p", el("code", command), " ", button, class_="command")


def _attribute(name: str, value: Value) -> str:
    if value is None or value is False:
        return ""
    spelt = name.rstrip("_").replace("_", "-")
    return f" {spelt}" if value is True else f' {spelt}="{escape(str(value))}"'
