"""The site's pages in a real browser: pairs by address, cells by link, widths, and looks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import pytest

from .site_browser import Browser
from .site_visit import click, settled, written

Publish = Callable[..., Path]


def test_two_methods_are_held_against_each_other_by_address(page: Browser, site: Path) -> None:
    shown = "[...document.querySelectorAll('section.duel:not([hidden])')].map(e => e.id)"
    page.open(site / "compare.html")
    assert len(page.run(shown)) == 1
    page.open(site / "compare.html", "#random_init,simclr")
    assert page.run(shown) == ["simclr,random_init"], "either order finds the pair"
    page.open(site / "compare.html", "#simclr,barlow_twins")
    assert page.run("document.querySelector('[name=second]').value") == "barlow_twins"
    control = "document.querySelector('[name=second]')"
    page.run(f"{control}.value = 'random_init'")
    page.run(f"{control}.dispatchEvent(new Event('change', {{bubbles: true}}))")
    assert settled(page, f"{shown}[0] === 'simclr,random_init'")
    page.open(site / "compare.html", "#simclr,simclr")
    assert page.run(shown) == []
    assert "choose two" in page.run("document.getElementById('unmatched').textContent")


def test_a_pair_that_is_not_there_names_its_command(
    page: Browser, publish: Publish, tmp_path: Path
) -> None:
    publish("simclr", task="toy")
    publish("it's", task="play")
    pages = written(tmp_path / "results", tmp_path / "site")
    page.open(pages / "compare.html", "#simclr,it_s")
    command = page.run("document.querySelector('#unmatched code').textContent")
    assert command == "pixvox board results --compare simclr 'it'\"'\"'s'"


def test_a_link_to_a_cell_opens_it_and_its_command_can_be_copied(page: Browser, site: Path) -> None:
    name = site / "methods" / "simclr.html"
    page.open(name)
    cell = page.run("document.querySelector('details[id]').id")
    assert page.run(f"document.getElementById('{cell}').open") is False
    page.open(name, f"#{cell}")
    assert page.run(f"document.getElementById('{cell}').open") is True
    click(page, f"#{cell} .copy")
    label = f"document.querySelector('#{cell} .copy').textContent"
    assert settled(page, f"['Copied', 'Selected'].includes({label})")


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_is_wider_than_its_window(page: Browser, site: Path, width: int) -> None:
    page.screen(width, 844)
    for name in ("index.html", "compare.html", "methods/simclr.html"):
        page.open(site / name)
        assert page.run("document.documentElement.scrollWidth <= innerWidth"), name


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_pictures_are_kept(
    page: Browser, site: Path, tmp_path: Path, width: int, height: int
) -> None:
    kept = Path(os.environ.get("PIXVOX_ARTEFACTS", tmp_path)) / "site"
    for name in ("index.html", "compare.html", "methods/simclr.html"):
        light, dark = (
            kept / f"{Path(name).stem}-{width}-{scheme}.png" for scheme in ("light", "dark")
        )
        for file in (light, dark):
            page.screen(width, height, dark=file is dark)
            page.open(site / name)
            page.shoot(file)
        day, night = (matplotlib.image.imread(file)[..., :3] for file in (light, dark))
        assert day.shape[:2] == night.shape[:2] == (height, width)
        assert day.mean() > 0.85 and night.mean() < 0.25, "two schemes"
        assert day.std() > 0.05 and night.std() > 0.03, "not blank"
