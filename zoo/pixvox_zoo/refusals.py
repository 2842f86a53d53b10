"""Refusals: misfits are met before anything runs, in one sentence that names what would fit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from inspect import Parameter
from typing import Any

from pixvox_registry import BACKBONES, CLUSTERING, DECODERS, HEADS, VIEWS
from pixvox_registry.contracts import Features, View
from pixvox_registry.errors import UserError
from pixvox_zoo.recipe import Objective, Part, Schedule
from pixvox_zoo.signals import names_of, pairs_of

ALWAYS = {"online", "target", "pairs", "index"}
GIVERS = {
    "scores": ("clustering head", CLUSTERING),
    "assignments": ("clustering head", CLUSTERING),
    "groups": ("clustering head", CLUSTERING),
    "queue_groups": ("clustering head", CLUSTERING),
    "prediction": ("decoder", DECODERS),
    "original": ("decoder", DECODERS),
    "embedding": ("projector", HEADS),
    "mask": ("masked views", VIEWS),
    "frame": ("views with frames", VIEWS),
}


def check_signals(name: str, objective: Objective, loss: Any, views: Any) -> None:
    """Refuse a loss whose signals the objective does not give.

    Raises:
        UserError: names the loss, the signal, and the parts that would provide it.
    """
    given = ALWAYS | set(views.provides) - {"labels"}
    given |= {"scores", "assignments", "groups"} if objective.clustering else set()
    given |= {"prediction", "original"} if objective.decoder else set()
    given |= {"queue", "queue_index"} if objective.queue else set()
    given |= {"queue_groups"} if objective.queue and objective.clustering else set()
    given |= {"labels"} if objective.labels else set()
    for signal, parameter in names_of(loss).items():
        if signal in given or parameter.default is not Parameter.empty:
            continue
        needs = f"loss {_loss(objective)!r} needs {signal}; objective {name!r} has "
        raise UserError(needs + _lack(signal, objective))


def check_decoder(
    name: str,
    objective: Objective,
    decoder: Any,
    views: Any,
    sizes: tuple[int, ...],
    look: Callable[[], list[View]],
) -> None:
    """Refuse a decoder whose signals the objective lacks, or views of other sizes than it paints.

    Raises:
        UserError: names the decoder, and what would fit.
    """
    part = objective.decoder.name if isinstance(objective.decoder, Part) else objective.decoder
    given = {"features", "embedding"} | set(views.provides) & {"mask"}
    given |= {"scores"} if objective.clustering else set()
    for signal, parameter in names_of(decoder).items():
        if signal not in given and parameter.default is Parameter.empty:
            needs = f"decoder {part!r} needs {signal}; objective {name!r} has "
            raise UserError(needs + _lack(signal, objective))
    shown = {tuple(view.image.shape[2:]) for view in look() if view.role != "target"}
    if shown != {sizes}:
        raise UserError(
            f"decoder {part!r} paints pictures of one size, {list(sizes)}; the views of objective "
            f"{name!r} have {', '.join(str(list(size)) for size in sorted(shown))}. Take views of "
            "that size, for example two_crops."
        )


def check_pairs(name: str, objective: Objective, loss: Any, look: Callable[[], list[View]]) -> None:
    """Refuse a loss of pairs where the views give none; ``look`` makes them once.

    Raises:
        UserError: names the loss, the rule of pairs and the views.
    """
    if "pairs" not in names_of(loss):
        return
    seen = look()
    sizes = [view.image.shape for view in seen]
    dense = objective.stream != "pooled"  # and tells of the first size alone
    numbers = [number for number in range(len(seen)) if not dense or sizes[number] == sizes[0]]
    online = [number for number in numbers if seen[number].role != "target"]
    targets = [number for number in numbers if seen[number].role != "online"]
    if not pairs_of(objective.pairs, targets, online):
        raise UserError(
            f"loss {_loss(objective)!r} compares pairs of views; objective {name!r} has pairs: "
            f"{objective.pairs}, of which its {len(seen)} views make none. Take views that make "
            f"more (there are {', '.join(VIEWS)}) or other pairs."
        )


def check_bank(name: str, objective: Objective, when: str, rows: Collection[str]) -> None:
    """Refuse a refit of nothing, or to a stream whose rows nobody numbers.

    Raises:
        UserError: names the objective and what would fit.
    """
    if not objective.clustering:
        fitting = ", ".join(CLUSTERING) or "none installed"
        raise UserError(
            f"objective {name!r} has refit: {when} and no clustering head. Fitting: {fitting}."
        )
    if objective.stream not in rows:
        raise UserError(
            f"objective {name!r} has refit: {when} on the stream {objective.stream!r}, "
            f"of which no bank is kept here. Banks are kept of: {', '.join(rows) or 'none'}."
        )


def check_target(name: str, target: str, momentum: Any) -> None:
    """Refuse a target from a momentum encoder that the recipe does not have.

    Raises:
        UserError: names the objective.
    """
    if target == "momentum" and momentum is None:
        raise UserError(
            f"objective {name!r} has target: momentum, and the recipe has no momentum encoder. Set "
            "momentum, for example 0.99, or take target: same or detached."
        )


def check_queue(name: str, objective: Objective) -> None:
    """Refuse a queue of embeddings for a clustering of features.

    Raises:
        UserError: names the objective.
    """
    on_features = objective.clustering and objective.cluster_on == "features"
    if objective.queue and on_features and objective.projector:
        raise UserError(
            f"objective {name!r} clusters features, and its queue keeps embeddings. Set "
            "cluster_on: embedding, or leave the queue out."
        )


def check_schedules(kind: str, part: Part, built: Any) -> None:
    """Refuse a schedule that would move nothing.

    Raises:
        UserError: names the setting.
    """
    for setting, given in part.settings.items():
        moves = isinstance(getattr(built, setting, None), int | float)
        if isinstance(given, Schedule) and not moves:
            raise UserError(
                f"{kind} {part.name!r} reads {setting!r} once and holds no number of that name, so "
                "a schedule cannot move it. Give one number."
            )


def check_streams(name: str, objective: Objective, backbone: str, seen: Iterable[Features]) -> None:
    """Refuse an objective whose stream no source gives."""
    streams = {objective.stream, objective.target_stream or objective.stream}
    for stream in sorted(streams):
        if not any(_has(features, stream) for features in seen):
            raise UserError(
                f"objective {name!r} works on {stream!r}; backbone {backbone!r} gives none on any "
                f"source. There are the backbones {', '.join(BACKBONES)}."
            )


def _lack(signal: str, objective: Objective) -> str:
    if signal in ("queue", "queue_index", "queue_groups") and not objective.queue:
        return "no queue. Give it one, for example queue: 4096."
    if signal == "labels":
        return "no labels. Name one that cases or views provide, for example labels: class."
    if signal not in GIVERS:
        return f"no such signal. There are: {', '.join(sorted({*ALWAYS, *GIVERS}))}."
    giver, registry = GIVERS[signal]
    return f"no {giver}. Fitting: {', '.join(registry) or 'none installed'}."


def _loss(objective: Objective) -> str:
    return objective.loss.name if objective.loss else "?"


def _has(features: Features, stream: str) -> bool:
    found = getattr(features, stream)
    return len(found) > 0 if stream == "maps" else found is not None
