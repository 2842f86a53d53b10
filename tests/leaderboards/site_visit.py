"""A site that is written for a visit of the browser, and what any visitor does."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from pixvox_leaderboards.board import build
from pixvox_leaderboards.reading import read_all
from pixvox_leaderboards.site.pages import site_of
from pixvox_leaderboards.site.publishing import write

from .site_browser import Browser


def written(results: Path, site: Path) -> Path:
    readings = read_all(results)
    write(site_of(build(readings), readings, PurePosixPath("results")), site)
    return site


def click(page: Browser, selector: str) -> None:
    page.run(f"document.querySelector({selector!r}).click()")


def settled(page: Browser, wanted: str) -> bool:
    """Comes true before long: Back is not done when it is asked for."""
    poll = (
        f"(async () => {{for (let i = 0; i < 200; i++) {{if ({wanted}) return true;"
        "await new Promise(done => setTimeout(done, 25));} return false;})()"
    )
    return bool(page.run(poll))
