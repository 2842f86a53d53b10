"""The card of a method: what it is made of, as its results tell it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pixvox_benchmarks.result import Result
from pixvox_leaderboards import wording
from pixvox_leaderboards.row import backbone_of
from pixvox_leaderboards.site.elements import Html, el, joined
from pixvox_leaderboards.site.facts import distinct, short, terms

MEASURING = ("task/", "protocol/", "metric/")  # plugins that measure, and make no weights


def card(method: str, results: Sequence[Result]) -> Html:
    """What holds for all its results, or each value that there is."""
    facts = terms(
        [
            ("Name in full", el("code", method) if wording.name_of(method) != method else None),
            ("Family", distinct(result.family for result in results)),
            ("Backbone", distinct(map(backbone_of, results))),
            ("Parameters", distinct(map(_size, results))),
            ("Stem and width", distinct(map(_width, results))),
            ("Budget", distinct(map(_budget, results))),
            ("Recipe sha256", _recipes(results)),
            ("Method sha256", _asked(results)),
            ("Pretraining data", _shown(results)),
        ]
    )
    return joined([facts, terms([("Plugins", _plugins(results))])])


def _size(result: Result) -> str:
    return f"{wording.size_text(result.parameters)} ({result.dims}D)"


def _width(result: Result) -> str:
    return f"{result.budget['stem']} stem, width {result.budget['width']:g} ({result.dims}D)"


def _budget(result: Result) -> str:
    return f"{result.budget['name']}: {result.budget['seen']:,} cases seen ({result.dims}D)"


def _recipes(results: Sequence[Result]) -> Html:
    """Of the recipes of its weights, where their cards told."""
    made = [result.provenance.get("weights") or {} for result in results]
    return _digests(str(each.get("recipe", "")) for each in made)


def _asked(results: Sequence[Result]) -> Html:
    return _digests(str(result.asked.get("method_sha256") or "") for result in results)


def _digests(found: Iterable[str]) -> Html:
    return joined([short(digest) for digest in dict.fromkeys(found) if digest], ", ")


def _shown(results: Sequence[Result]) -> str:
    """The data of pretraining, as far as results tell, and whether test cases were among them."""
    made = [result.provenance.get("weights") or {} for result in results]
    told = distinct(str(name) for each in made for name in each.get("data") or ())
    states = distinct(
        f"{result.task} test cases {state}"
        for result in results
        if (state := result.contamination.get("state")) not in (None, "unknown")
    )
    return "; ".join(filter(None, [told, states])) or "not declared"


def _plugins(results: Sequence[Result]) -> Html:
    """Those that made the weights, each with its version."""
    found = sorted(
        {
            (name, version)
            for result in results
            for name, version in result.plugins.items()
            if not name.startswith(MEASURING)
        }
    )
    listed = [el("li", el("code", name), f" {version}") for name, version in found]
    return el("ul", *listed, class_="plain")
