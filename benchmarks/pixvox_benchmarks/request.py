"""The request of a cell: all that decides its scores, known before anything is computed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pixvox_benchmarks.grid import Cell, Workshop
from pixvox_benchmarks.label_fraction import asked
from pixvox_benchmarks.scoring import metrics_of
from pixvox_benchmarks.sight import sees
from pixvox_benchmarks.task_line import plugin_of
from pixvox_benchmarks.tuning import classification, segmentation
from pixvox_registry import MAKERS, METRICS, PROTOCOLS, TASKS
from pixvox_registry.registry import Registry
from pixvox_registry.source_code import digest_of_plugin


def request_of(cell: Cell, workshop: Workshop) -> dict[str, Any]:
    """Content, not a version typed by hand: an edit of data, recipe or plugin file changes it.

    What plugins share (the loop, the solver) is held by the version of their distribution.
    Weights are stood for by all that decides them, since they may not exist yet; the result also
    records their sha256.
    """
    task = workshop.task
    metrics = metrics_of(cell.protocol, task)
    used: list[tuple[Registry[Any], str]] = [
        (TASKS, plugin_of(task.name)),
        (MAKERS, workshop.maker_name),
        (PROTOCOLS, asked(cell.protocol)[0]),
        *((METRICS, name) for name in metrics),
    ]
    return {
        "method": cell.pretraining.method,
        "method_sha256": workshop.method_fingerprint,
        "weights": workshop.fingerprint,
        "task": {"name": task.name, "version": task.version, "sha256": task.fingerprint()},
        "protocol": {**protocol_facts(cell.protocol), **trained_facts(cell, workshop)},
        "metrics": {name: METRICS.build(name).version for name in metrics},
        "plugins": {
            f"{registry.kind}/{name}": str(registry.origin(name)) for registry, name in used
        },
        "budget": workshop.order.budget.facts(),
        "seed": cell.pretraining.seed,
    }


def trained_facts(cell: Cell, workshop: Workshop) -> Mapping[str, Any]:
    """How long a protocol trains, if it does, and what holds its outlines against the truth."""
    budget = cell.pretraining.budget
    match sees(cell.protocol):
        case "scans":
            scored_by = digest_of_plugin("pixvox_benchmarks.structure_scores", alone=True)
            tuning = segmentation(budget, workshop.task.dims).facts()
            return {"tuning": tuning, "scored_by": scored_by}
        case "cases":
            return {"tuning": classification(budget).facts()}
    return {}


def protocol_facts(protocol: str) -> Mapping[str, Any]:
    """Name, version and settings of a protocol as the benchmark puts it to use."""
    name, share = asked(protocol)
    settings = {
        parameter.name: parameter.default
        for parameter in PROTOCOLS.names_of_settings(name).values()
        if parameter.default is not inspect.Parameter.empty
    }
    drawn_by = digest_of_plugin("pixvox_benchmarks.label_fraction", alone=True)
    fraction = {} if share == 1 else {"label_fraction": share, "drawn_by": drawn_by}
    version = PROTOCOLS.build(name).version
    return {"name": name, "version": version, "settings": settings, **fraction}
