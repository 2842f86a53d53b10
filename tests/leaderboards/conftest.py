"""Result files of made-up methods, as the runner writes them, and a browser for their site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixvox_benchmarks.case_scores import CaseScores, sha256_of
from pixvox_benchmarks.result import Result, key_of
from pixvox_benchmarks.scoring import score
from pixvox_leaderboards.row import RANDOM_INIT
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.budgets import budget

from .site_browser import Browser, browser
from .site_visit import written

METRICS = ("auc", "accuracy")
CASES = 60

Publish = Callable[..., Path]


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """``publish(method, seed=0, skill=1.0, ...)`` below ``tmp_path / "results"``; its file."""

    def write(
        method: str,
        *,
        seed: int = 0,
        skill: float = 1.0,
        task: str = "toy",
        protocol: str = "knn_probe",
        task_version: str = "1",
        at: str = "2026-01-01T00:00:00+00:00",
        plugin: str = "pixvox 0.1.0",
        measuring: str = "pixvox 0.1.0",
        patients: tuple[str, ...] = (),
        **changes: Any,
    ) -> Path:
        cases = replace(answers(seed, skill), patients=patients)
        scores, intervals = score(cases, METRICS)
        facts = budget("small", 2).facts()
        plugins = {"loss/toy": plugin, f"protocol/{protocol}": measuring}
        asked = {
            "method": method,
            "weights": fingerprint([method, seed, skill]),
            "task": {"name": task, "version": task_version, "sha256": fingerprint(task_version)},
            "protocol": {"name": protocol, "version": "1", "settings": {}},
            "metrics": dict.fromkeys(METRICS, "1"),
            "budget": facts,
            "plugins": plugins,
            "seed": seed,
        }
        request, weights = fingerprint(asked), fingerprint([method, seed, skill, "weights"])
        result = Result(
            method=method,
            family="reference" if method.startswith(("random_init", "supervised")) else "contrast",
            task=task,
            task_version=task_version,
            dims=2,
            units="patient",
            protocol=protocol,
            protocol_version="1",
            metrics=METRICS,
            metric_versions=dict.fromkeys(METRICS, "1"),
            higher_is_better=dict.fromkeys(METRICS, True),
            budget=facts,
            seed=seed,
            asked=asked,
            request=request,
            weights_sha256=weights,
            key=key_of(request, weights),
            plugins=plugins,
            scores=scores,
            intervals=intervals,
            n_scored=CASES,
            n_expected=CASES,
            cases_sha256=sha256_of(cases),
            data={"dataset": task, "verified": True},
            chosen={"neighbours": 5},
            health={"embedding_std": 0.5},
            collapsed=False,
            parameters=11_170_000,
            provenance={"at": at, "commit": "0123456789abcdef", "dirty": ""},
        )
        result = replace(result, **changes)
        result.write(tmp_path / "results", cases)
        return tmp_path / "results" / result.path

    return write


def answers(seed: int, skill: float) -> CaseScores:
    """Cases are alike for all; how well they are told apart is a matter of skill, and of luck."""
    world, luck = np.random.default_rng(7), np.random.default_rng([seed, int(skill * 100)])
    target = (np.arange(CASES) % 5 < 2).astype(int)
    logit = skill * (2 * target - 1) + world.normal(size=CASES) + 0.3 * luck.normal(size=CASES)
    p = 1 / (1 + np.exp(-logit))
    ids = [f"case{number:03}" for number in range(CASES)]
    return CaseScores.rounded(ids, target.tolist(), np.stack([1 - p, p], 1).tolist())


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture
def page(chromium: Browser) -> Iterator[Browser]:
    """The browser, held to an empty console."""
    chromium.complaints.clear()
    chromium.screen(1280, 900)
    yield chromium
    assert chromium.complaints == []


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shelf") / "site"


@pytest.fixture
def site(publish: Publish, tmp_path: Path, shelf: Path) -> Path:
    """Two tasks, seven methods, one row stale, one collapsed, one hostile; made once for all."""
    if shelf.is_dir():
        return shelf
    for task in ("toy", "play"):
        publish(RANDOM_INIT, skill=0.2, task=task)
        publish("simclr", skill=2.0, task=task)
        publish("barlow_twins", skill=1.0, task=task, collapsed=True)
    publish("<script>throw 1</script>", skill=1.5, task="toy", family="clustering")
    publish("older", task="toy", task_version="0")
    publish(f"weights:{'long-' * 20}/run/weights", task="toy")
    publish(f"weights:{'lang-' * 20}/run/weights", task="toy")
    return written(tmp_path / "results", shelf)
