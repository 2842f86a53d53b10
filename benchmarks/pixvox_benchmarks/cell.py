"""Measures one cell: put a backbone to the test, score, publish."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pixvox_benchmarks.case_scores import sha256_of
from pixvox_benchmarks.contamination import duplicates, exposure
from pixvox_benchmarks.examination import Outcome, examine
from pixvox_benchmarks.grid import Cell, Workshop
from pixvox_benchmarks.label_fraction import asked as asked_of
from pixvox_benchmarks.predictions import save
from pixvox_benchmarks.request import request_of
from pixvox_benchmarks.result import CASES, Result, is_published, key_of
from pixvox_benchmarks.scoring import metrics_of, score
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import METRICS, PROTOCOLS
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.console import say
from pixvox_registry.contracts import Pretrained
from pixvox_registry.errors import UserError
from pixvox_registry.prints import NOTHING
from pixvox_registry.provenance import provenance

TOLD_FRESH = ("backbone", "facts", "budget", "plugins")  # of a card, where weights are drawn anew


def measure(
    cell: Cell,
    workshop: Workshop,
    weights: Path,
    *,
    request: str,
    results: Path,
    predictions: Path | None = None,
) -> None:
    """Publish the result of a cell below ``results``, unless somebody else did.

    Args:
        request: digest of what was asked when the grid was planned.
        predictions: a folder for what the cell outlines, or None.

    Raises:
        UserError: the request is another one by now, or weights, predictions or test labels are
            not fit to be scored.
    """
    begun = time.monotonic()
    asked = request_of(cell, workshop)
    if fingerprint(asked) != request:
        raise UserError(
            f"Cell {cell.label} was planned for other data or plugins than it finds now. "
            "Something changed while the grid ran; start it again."
        )
    pretrained = workshop.maker.load(weights)
    made = cell.pretraining
    outcome = examine(cell.protocol, workshop.task, pretrained, made.budget, made.seed)
    if predictions is not None and isinstance(workshop.task, SegmentationTask):
        save(outcome.masks, workshop.task.scans("test"), predictions / cell.label)
    facts = {
        "command": command_of(cell),
        "labelled_cases": outcome.labelled,
        "test_openings": outcome.openings,
        "wall_seconds": round(time.monotonic() - begun, 3),
    }
    result = describe(cell, workshop, asked, pretrained, outcome, facts)
    set_aside_if_damaged(results, result)
    new = result.write(results, outcome.cases)
    say(f"{result.path} {'published' if new else 'was there already'}")


def describe(
    cell: Cell,
    workshop: Workshop,
    asked: Mapping[str, Any],
    pretrained: Pretrained,
    outcome: Outcome,
    facts: Mapping[str, Any],
) -> Result:
    """The result with its scores and everything one needs to believe it."""
    task, card = workshop.task, card_for(cell.protocol, pretrained)
    made = {
        **card.get("provenance", {}),
        "recipe": card.get("recipe", {}).get("sha256", ""),
        "backbone": card.get("backbone", {}).get("name", ""),
        "data": data_of(card),
        "budget": card.get("budget", {}),
    }
    metrics, cases = metrics_of(cell.protocol, task), outcome.cases
    scores, intervals = score(cases, metrics)
    request = fingerprint(asked)
    return Result(
        method=cell.pretraining.method,
        family=card.get("recipe", {}).get("family", "unknown"),
        task=task.name,
        task_version=task.version,
        dims=task.dims,
        units=task.units,
        protocol=cell.protocol,
        protocol_version=asked["protocol"]["version"],
        metrics=metrics,
        metric_versions=asked["metrics"],
        higher_is_better={name: METRICS.build(name).higher_is_better for name in metrics},
        budget=asked["budget"],
        seed=cell.pretraining.seed,
        asked=asked,
        request=request,
        weights_sha256=pretrained.sha256,
        key=key_of(request, pretrained.sha256),
        plugins={**card.get("plugins", {}), **asked["plugins"]},
        scores=scores,
        intervals=intervals,
        n_scored=len(cases.ids),
        n_expected=outcome.n_expected,
        cases_sha256=sha256_of(cases),
        data=dict(task.source.facts()),
        chosen=outcome.chosen,
        health=card.get("health", {}),
        curves=card.get("curves", {}),
        collapsed=bool(card.get("collapsed", False)),
        parameters=sum(p.numel() for p in pretrained.backbone.parameters()),
        provenance={**provenance(), **facts, "weights": made},
        contamination=exposure(task, card),
        duplicates=duplicates(task),
    )


def data_of(card: Mapping[str, Any]) -> list[str]:
    """Names of the sources that pretraining was shown, as far as the card tells."""
    if card.get("prints") == NOTHING:
        return []
    sources = (card.get("data", {}), *card.get("beside", ()))
    return [source["dataset"] for source in sources if source.get("dataset")]


def card_for(protocol: str, pretrained: Pretrained) -> Mapping[str, Any]:
    """What of a card holds for a protocol: one that draws fresh weights was shown nothing."""
    if not getattr(PROTOCOLS.get(asked_of(protocol)[0]), "unpretrained", False):
        return pretrained.card
    told = {name: pretrained.card[name] for name in TOLD_FRESH if name in pretrained.card}
    family = pretrained.card.get("recipe", {}).get("family", "unknown")
    return {**told, "recipe": {"family": family}, "prints": NOTHING}


def command_of(cell: Cell) -> str:
    """What replays the cell, with the seeds before it."""
    asked = cell.pretraining
    return (
        f"pixvox benchmark --methods {asked.method} --tasks {asked.task} "
        f"--protocols {cell.protocol} --budget {asked.budget} --seeds {asked.seed + 1}"
    )


def set_aside_if_damaged(results: Path, result: Result) -> None:
    """Edited or torn files make room for true ones, and stay to be looked at."""
    file = results / result.path
    if not file.exists() or is_published(results, result.path, result.request):
        return
    for damaged in (file, *file.parent.glob(f"{file.stem}.*{CASES}")):
        say(f"{damaged} is damaged; kept as {damaged.name}.damaged and measured again")
        damaged.replace(damaged.with_name(f"{damaged.name}.damaged"))
