"""Refusals: misfits are met before anything runs, in one sentence that names what would fit."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import Parameter
from typing import Any

from pixvox_registry import BACKBONES, CLUSTERING, DECODERS, HEADS, VIEWS
from pixvox_registry.contracts import Features
from pixvox_registry.errors import UserError
from pixvox_zoo.recipe import Objective
from pixvox_zoo.signals import names_of

ALWAYS = {"online", "target", "pairs", "index", "frame", "features"}
GIVERS = {
    "scores": ("clustering head", CLUSTERING),
    "assignments": ("clustering head", CLUSTERING),
    "groups": ("clustering head", CLUSTERING),
    "prediction": ("decoder", DECODERS),
    "original": ("decoder", DECODERS),
    "embedding": ("projector", HEADS),
    "mask": ("masked views", VIEWS),
}


def check_signals(name: str, objective: Objective, loss: Any, views: Any) -> None:
    """Refuse a loss whose signals the objective does not give.

    Raises:
        UserError: names the loss, the signal, and the parts that would provide it.
    """
    given = ALWAYS | set(views.provides) - {"labels"}
    given |= {"scores", "assignments", "groups"} if objective.clustering else set()
    given |= {"prediction", "original"} if objective.decoder else set()
    given |= {"queue", "queue_groups"} if objective.queue else set()
    given |= {"labels"} if objective.labels else set()
    for signal, parameter in names_of(loss).items():
        if signal in given or parameter.default is not Parameter.empty:
            continue
        part = objective.loss.name if objective.loss else "?"
        raise UserError(f"loss {part!r} needs {signal}; objective {name!r} has {_lack(signal)}")


def check_streams(name: str, objective: Objective, backbone: str, seen: Iterable[Features]) -> None:
    """Refuse an objective whose stream no source gives."""
    streams = {objective.stream, objective.target_stream or objective.stream}
    for stream in sorted(streams):
        if not any(_has(features, stream) for features in seen):
            raise UserError(
                f"objective {name!r} works on {stream!r}; backbone {backbone!r} gives none on any "
                f"source. There are the backbones {', '.join(BACKBONES)}."
            )


def _lack(signal: str) -> str:
    if signal in ("queue", "queue_groups"):
        return "no queue. Give it one, for example queue: 4096."
    if signal == "labels":
        return "no labels. Name one that cases or views provide, for example labels: class."
    if signal not in GIVERS:
        return f"no such signal. There are: {', '.join(sorted({*ALWAYS, *GIVERS}))}."
    giver, registry = GIVERS[signal]
    return f"no {giver}. Fitting: {', '.join(registry) or 'none installed'}."


def _has(features: Features, stream: str) -> bool:
    found = getattr(features, stream)
    return len(found) > 0 if stream == "maps" else found is not None
