"""The kinds of plugins, and the folder where each kind lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pixvox_registry.contracts import (
    Backbone,
    Clustering,
    Decoder,
    Engine,
    Fusion,
    Head,
    Loss,
    Maker,
    Meter,
    Source,
    Task,
    Views,
)
from pixvox_registry.measuring import Metric, Protocol
from pixvox_registry.registry import Registry

if TYPE_CHECKING:
    from torch.optim import Optimizer

BACKBONES: Registry[Backbone] = Registry("backbone", home="pixvox_zoo.backbones")
FUSIONS: Registry[Fusion] = Registry("fusion", home="pixvox_zoo.fusions")
VIEWS: Registry[Views] = Registry("views", home="pixvox_zoo.views")
HEADS: Registry[Head] = Registry("head", home="pixvox_zoo.heads")
DECODERS: Registry[Decoder] = Registry("decoder", home="pixvox_zoo.decoders")
CLUSTERING: Registry[Clustering] = Registry("clustering", home="pixvox_zoo.clustering")
LOSSES: Registry[Loss] = Registry("loss", home="pixvox_zoo.losses")
OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", home="pixvox_zoo.optimizers")
MAKERS: Registry[Maker] = Registry("maker", home="pixvox_zoo.makers", alone=True)
SOURCES: Registry[Source] = Registry("source", home="pixvox_registry.sources")
TASKS: Registry[Task] = Registry("task", home="pixvox_benchmarks.tasks")
PROTOCOLS: Registry[Protocol] = Registry("protocol", home="pixvox_benchmarks.protocols")
METRICS: Registry[Metric] = Registry("metric", home="pixvox_benchmarks.metrics")
ENGINES: Registry[Engine] = Registry("engine", home="pixvox_benchmarks.engines", alone=True)
METERS: Registry[Meter] = Registry("meter", home="pixvox_registry.meters", alone=True)
COMMANDS: Registry[Callable[..., Any]] = Registry(
    "command", home="pixvox_registry.commands", alone=True
)

KINDS: dict[str, Registry[Any]] = {
    "backbones": BACKBONES,
    "fusions": FUSIONS,
    "views": VIEWS,
    "heads": HEADS,
    "decoders": DECODERS,
    "clustering": CLUSTERING,
    "losses": LOSSES,
    "optimizers": OPTIMIZERS,
    "makers": MAKERS,
    "sources": SOURCES,
    "tasks": TASKS,
    "protocols": PROTOCOLS,
    "metrics": METRICS,
    "engines": ENGINES,
    "meters": METERS,
    "commands": COMMANDS,
}
