"""A site as bytes by file name: a pure function of result files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath, PurePosixPath
from types import MappingProxyType

from pixvox_leaderboards.board import Board
from pixvox_leaderboards.reading import Reading
from pixvox_leaderboards.records import as_csv, as_json
from pixvox_leaderboards.site.index import index
from pixvox_leaderboards.site.line import lines_of
from pixvox_leaderboards.site.method import Method, method_page
from pixvox_leaderboards.site.names import methods_on, slugs, told_apart
from pixvox_leaderboards.site.pairs import Duels, duels
from pixvox_leaderboards.site.versus import versus

RESULTS = PurePosixPath("RESULTS")  # in commands: whoever reads a page has another path


def site_of(board: Board, readings: Sequence[Reading], results: PurePath) -> dict[str, bytes]:
    """``{"index.html": ..., "methods/simclr.html": ...}``; the same results give the same bytes.

    Args:
        readings: those that the board was built from.
        results: their folder, as the commands on the pages name it; :data:`RESULTS` gives the same
            bytes wherever the folder lies.
    """
    methods = methods_on(board)
    short, shown = slugs(methods), told_apart(methods)
    held = duels(board)
    pages = {
        "index.html": index(board, short, shown),
        "compare.html": versus(held, short, shown, results),
        "board.csv": as_csv(board),
        "board.json": as_json(board),
    }
    rivals = {method: _rivals(method, held, short, shown) for method in methods}
    return pages | method_pages(board, readings, results, methods, rivals)


def method_pages(
    board: Board,
    readings: Sequence[Reading],
    results: PurePath,
    methods: Iterable[str],
    rivals: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> dict[str, bytes]:
    """``{"methods/simclr.html": ...}`` of some methods.

    Args:
        rivals: of each, addresses of its comparisons with others.
    """
    everyone = methods_on(board)
    short, shown = slugs(everyone), told_apart(everyone)
    every = lines_of(board)
    by_key = {reading.result.key: reading for reading in readings}
    pages = {}
    for method in methods:
        lines = [line for line in every if line.row.method == method]
        page = Method(
            name=method,
            slug=short[method],
            shown=shown[method],
            lines=lines,
            readings={key: by_key[key] for line in lines for key in line.row.keys},
            rivals=rivals.get(method, {}),
        )
        pages[f"methods/{short[method]}.html"] = method_page(page, results)
    return pages


def _rivals(
    method: str, held: Duels, short: Mapping[str, str], shown: Mapping[str, str]
) -> dict[str, str]:
    """Addresses of the comparisons that a method takes part in."""
    return {
        shown[other]: f"compare.html#{short[duel.first]},{short[duel.second]}"
        for duel in held.found
        for other in {duel.first, duel.second} - {method}
        if method in (duel.first, duel.second)
    }
