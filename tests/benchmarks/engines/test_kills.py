"""Whoever is killed, each cell is answered once, whole and by the same digits."""

from __future__ import annotations

import random
import signal
from typing import Any

import pytest


def naive_score(seed: int) -> float:
    chance = random.Random(seed)
    chance.random()
    return sum((chance.random() > 0.5) == k % 2 for k in range(8)) / 8


def endure(bench: Any, *, cells: int, kills: int, workers: int) -> None:
    """A grid with one poison cell, whose workers and whose coordinator are killed on the way."""
    poison = f"poison-{cells}"
    asked = [*(f"publish-{seed}" for seed in range(cells)), poison]
    half = cells // 2
    first = bench.start(*asked, workers=workers)
    kill_between(bench, 0, half, kills // 2)
    bench.until_published(half)
    first.send_signal(signal.SIGKILL)
    first.wait(20)
    # What is in Slurm's queue goes on; all others end with their coordinator.
    assert bench.until(lambda: not bench.working(), 60.0 if bench.engine == "slurm" else 5.0)
    early = bench.contents
    assert half <= len(early) < cells
    assert not bench.marks(poison)

    second = bench.start(*asked, workers=workers)
    kill_between(bench, half, cells, kills - kills // 2)
    assert second.wait(900) == 0, bench.terminal
    failed = {name: error for name, error in bench.said.items() if error}
    assert failed == {
        poison: f"killed by SIGABRT (3 tries); see {bench.folder / 'logs' / poison}.log"
    }
    assert len(bench.marks(poison)) == 3
    assert len(bench.contents) == len(bench.scores) == cells
    assert all(bench.contents[file] == content for file, content in early.items())
    # The same digits by whichever engine: the seed decides them.
    assert sorted(bench.scores.values()) == sorted(naive_score(seed) for seed in range(cells))
    computed = len(bench.marks("publish-*"))
    assert cells <= computed <= cells + kills + 2 * workers
    assert bench.finish(*asked[:-1]) == {} and len(bench.marks("publish-*")) == computed


def kill_between(bench: Any, begin: int, end: int, kills: int) -> None:
    """So many SIGKILLs, evenly over the results from ``begin`` to ``end``.

    Jobs are killed in turn with the processes that watch them, where there are any.
    """
    for number in range(1, kills + 1):
        bench.until_published(begin + (end - begin) * number // (kills + 1))
        bench.kill_one(watcher=bench.engine != "local" and number % 2 == 0)


def test_kills_lose_nothing_and_tear_nothing(bench: Any) -> None:
    endure(bench, cells=12, kills=3, workers=3)


@pytest.mark.slow
def test_six_hundred_cells_survive_fifteen_kills_and_one_of_the_coordinator(bench: Any) -> None:
    endure(bench, cells=600, kills=15, workers=8)
