"""Names to plugins, the contracts that a plugin keeps, and the ground that all rooms share."""

from pixvox_registry.contracts import Backbone, Batch, Features, View
from pixvox_registry.errors import UserError
from pixvox_registry.kinds import (
    BACKBONES,
    CLUSTERING,
    COMMANDS,
    DECODERS,
    ENGINES,
    FUSIONS,
    HEADS,
    KINDS,
    LOSSES,
    MAKERS,
    METERS,
    METRICS,
    OPTIMIZERS,
    PROTOCOLS,
    SOURCES,
    TASKS,
    VIEWS,
)
from pixvox_registry.registry import BrokenPlugin, Registry

__all__ = [
    "BACKBONES",
    "CLUSTERING",
    "COMMANDS",
    "DECODERS",
    "ENGINES",
    "FUSIONS",
    "HEADS",
    "KINDS",
    "LOSSES",
    "MAKERS",
    "METERS",
    "METRICS",
    "OPTIMIZERS",
    "PROTOCOLS",
    "SOURCES",
    "TASKS",
    "VIEWS",
    "Backbone",
    "Batch",
    "BrokenPlugin",
    "Features",
    "Registry",
    "UserError",
    "View",
]
