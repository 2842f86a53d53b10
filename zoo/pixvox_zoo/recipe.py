"""A recipe holds the names and numbers of one method. These dataclasses are the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from pixvox_registry.artifacts import fingerprint

PROSE = ("title", "paper", "family")  # of a recipe: they decide nothing


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A number that moves from ``start`` to ``end`` on a cosine.

    Args:
        until: the share of the stage after which it stays at ``end``.
    """

    start: float
    end: float
    until: float = 1.0

    def at(self, progress: float) -> float:
        """Its value when a share ``progress`` in [0, 1] of the stage is done."""
        done = min(1.0, progress / self.until) if self.until > 0 else 1.0
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * done)) / 2


Number: TypeAlias = float | Schedule


def value(number: Number, progress: float) -> float:
    """A number of a recipe when a share ``progress`` of the stage is done."""
    return number.at(progress) if isinstance(number, Schedule) else number


@dataclass(frozen=True, kw_only=True)
class Part:
    """One plugin by name, with its settings; any of them may be a schedule."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """How long parameters stand still: to a step or a share of the stage, or throughout it."""

    until_step: int | None = None
    until: float | None = None

    def holds(self, step: int, progress: float) -> bool:
        """Is it in force before this step?"""
        if self.until_step is not None:
            return step < self.until_step
        return self.until is None or progress < self.until


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One pretext task: which stream of features, through which parts, under which loss.

    Args:
        stream: ``pooled``, ``slices``, ``tokens`` or ``maps``.
        target: ``same``, ``detached`` (stop-gradient) or ``momentum``; by default ``momentum``
            where the recipe has a momentum encoder, else ``same``.
        target_stream: another stream for the target; ``stream`` by default.
        pairs: which online view learns from which target view: ``other``, ``same`` or ``all``.
        projector: a head, or ``"objective.part"`` for a shared one; likewise below.
        cluster_on: ``embedding`` or ``features``.
        refit: when the clustering is fitted to a bank: ``epoch`` or ``stage``; by default as the
            clustering is made for.
        queue: embeddings of past batches kept for the loss and the clustering.
        labels: a label that views or cases provide.
    """

    stream: str = "pooled"
    target: str | None = None
    target_stream: str | None = None
    pairs: str = "other"
    projector: Part | str | None = None
    predictor: Part | str | None = None
    clustering: Part | str | None = None
    cluster_on: str = "embedding"
    refit: str | None = None
    queue: int = 0
    decoder: Part | str | None = None
    labels: str | None = None
    loss: Part | None = None
    weight: Number = 1.0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Objectives that are trained together.

    Args:
        epochs: its length; under a budget, its share of the run in proportion to the others.
        backbone: ``keep`` goes on from the stage before, ``fresh`` starts it anew.
    """

    objectives: Mapping[str, Objective] = field(default_factory=dict)
    epochs: float = 1
    freeze: Mapping[str, Freeze] = field(default_factory=dict)
    backbone: str = "keep"


@dataclass(frozen=True, kw_only=True)
class Optimization:
    """The optimizer, its learning rate and what surrounds it.

    Args:
        lr: peak learning rate; after a linear warm-up it follows a cosine to zero.
        warmup: share of the stage that warms up.
        clip: largest norm of the gradient, or None.
        accumulate: batches whose gradients are averaged to one step; each keeps its own loss.
        settings: further arguments of the optimizer.
    """

    name: str = "adamw"
    lr: float = 1e-3
    weight_decay: Number = 0.0
    warmup: float = 0.0
    clip: float | None = None
    accumulate: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)

    def lr_at(self, progress: float) -> float:
        """Linear warm-up, then a cosine to zero."""
        if progress < self.warmup:
            return self.lr * progress / self.warmup
        done = (progress - self.warmup) / max(1e-12, 1 - self.warmup)
        return self.lr * (1 + math.cos(math.pi * min(1.0, done))) / 2

    def batches(self, step: int) -> range:
        """Numbers of the batches that a step learns from.

        >>> Optimization(accumulate=4).batches(2)
        range(8, 12)
        """
        return range(step * self.accumulate, (step + 1) * self.accumulate)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that decides a method, and nothing else.

    Args:
        views: one part, or several in turn: each takes what the one before it makes.
        family: contrast, distillation, redundancy, clustering, masked, ... or reference.
        momentum: of the momentum copy of backbone, projector and clustering; None has no copy.
        publish: whose backbone the weights are, ``online`` or ``momentum``.
    """

    name: str
    title: str
    views: tuple[Part, ...]
    backbone: Part
    stages: tuple[Stage, ...]
    paper: str = ""
    family: str = ""
    momentum: Number | None = None
    publish: str = "online"
    optimizer: Optimization = field(default_factory=Optimization)

    @property
    def epochs(self) -> float:
        """Of all stages."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def needs_labels(self) -> set[str]:
        """Names of the labels that objectives ask for."""
        return {o.labels for s in self.stages for o in s.objectives.values() if o.labels}

    def facts(self) -> dict[str, Any]:
        """All of it as plain JSON; ``decisive`` is what keys are made of."""
        return asdict(self)

    def decisive(self) -> dict[str, Any]:
        """The facts that decide the weights: all but title, paper and family."""
        facts = {name: fact for name, fact in self.facts().items() if name not in PROSE}
        # Later forms of a recipe; results of earlier ones stay valid.
        if self.optimizer.accumulate == 1:
            del facts["optimizer"]["accumulate"]
        if self.publish == "online":
            del facts["publish"]
        if len(self.views) == 1:
            (facts["views"],) = facts["views"]
        return facts

    @property
    def sha256(self) -> str:
        """Of what is decisive; weights and results carry it."""
        return fingerprint(self.decisive())
