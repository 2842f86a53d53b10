"""What a board was measured on: counted by task and budget, and nothing that is stale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pixvox_leaderboards import coverage, families_page

from .published_board import read

Publish = Callable[..., Path]


def test_who_took_part_is_counted_for_each_task(publish: Publish, tmp_path: Path) -> None:
    for protocol in ("knn_probe", "linear_probe"):
        for method in ("a", "b", "random_init"):
            for seed in (0, 1):
                publish(method, protocol=protocol, seed=seed)
    publish("a", protocol="clustering")
    publish("b", protocol="clustering", seed=0)
    publish("b", protocol="clustering", seed=1)
    board, _ = read(tmp_path)
    assert coverage.lines(board.panels) == [
        ["toy", "2D", "`small`", "clustering", "2", "0", "1 to 2 seeds"],
        ["toy", "2D", "`small`", "knn_probe, linear_probe", "2", "1", "2 seeds"],
    ]
    assert "| knn_probe, linear_probe | 2 " in families_page.page(board, {}, {})


def test_stale_rows_do_not_count(publish: Publish, tmp_path: Path) -> None:
    publish("a")
    publish("b")
    (panel,) = read(tmp_path)[0].panels
    first, second = panel.rows
    half = replace(panel, rows=(first, replace(second, is_stale=True)))
    whole = replace(panel, rows=tuple(replace(row, is_stale=True) for row in panel.rows))
    assert [line[4] for line in coverage.lines([half, whole])] == ["1"]
