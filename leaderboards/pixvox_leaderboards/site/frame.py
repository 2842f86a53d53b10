"""The frame of every page: head, navigation, and all that it needs, inside it."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from pixvox_leaderboards.site.elements import Html, el, joined

LINKS = {"index.html": "Board", "compare.html": "Compare two methods"}


def page(name: str, title: str, *parts: Html | None, script: str | None = None) -> bytes:
    """A whole page.

    Style and scripts stand inside, so that one file can be kept or sent; the policy lets nothing
    else run and nothing be fetched.

    Args:
        name: where it lies below the site, ``methods/simclr.html``.
        script: one of its own, beside that of all pages.
    """
    scripts = ("site.js", script) if script else ("site.js",)
    up = "../" * name.count("/")
    links = [
        el("a", shown, href=up + link, aria_current="page" if link == name else None)
        for link, shown in LINKS.items()
    ]
    head = [
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _policy(scripts),
        el("title", f"{title} · PixVox"),
        el("style", _inside("site.css")),
    ]
    body = [
        el("a", "Skip to content", class_="skip", href="#content"),
        el("header", el("b", "PixVox"), el("nav", *links, aria_label="Site")),
        el("main", joined(parts, "\n"), id="content"),
        *[el("script", _inside(each)) for each in scripts],
    ]
    whole = el("html", el("head", joined(head, "\n")), el("body", joined(body, "\n")), lang="en")
    return f"<!doctype html>\n{whole}\n".encode()


@cache
def _inside(name: str) -> Html:
    """A file that ships beside this module."""
    return Html("\n" + (files("pixvox_leaderboards.site") / name).read_text(encoding="utf-8"))


@cache
def _policy(scripts: tuple[str, ...]) -> Html:
    """Names the digests of the style and the scripts, and forbids all else."""
    allowed = f"style-src {_digest('site.css')}; script-src {' '.join(map(_digest, scripts))}"
    content = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    return el("meta", http_equiv="Content-Security-Policy", content=content)


def _digest(name: str) -> str:
    raw = hashlib.sha256(_inside(name).encode()).digest()
    return f"'sha256-{base64.b64encode(raw).decode()}'"
