"""Composition: builds the parts that a recipe names, shares them, and refuses misfits."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from pixvox_registry import BACKBONES, CLUSTERING, DECODERS, HEADS, LOSSES, VIEWS, Registry
from pixvox_registry.contracts import View, Views
from pixvox_registry.draws import Draws, key
from pixvox_registry.errors import UserError
from pixvox_zoo.assembly import assemble
from pixvox_zoo.recipe import Objective, Part, Recipe, Schedule, Stage
from pixvox_zoo.refusals import (
    check_bank,
    check_decoder,
    check_pairs,
    check_queue,
    check_schedules,
    check_signals,
    check_target,
)
from pixvox_zoo.stores import Store
from pixvox_zoo.synchronised_norm import synchronise
from pixvox_zoo.views_in_turn import ByDims, in_turn

MOMENTUM_ROLES = ("backbone", "projector", "clustering")  # the predictor never has a copy


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the data and the budget decide; a constructor receives those that it names.

    Args:
        flips: axes of ``*S`` along which views may mirror this anatomy.
        rows: number of cases or slices per stream, for banks.
        beside: other dims of further sources, and the axes along which views of them may mirror.
    """

    dims: int
    in_channels: int
    image_size: int
    width: float = 1.0
    stem: str = "imagenet"
    flips: tuple[int, ...] = ()
    num_classes: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    beside: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


class Composition(nn.Module):
    """The modules of a recipe by path (``backbone``, ``clusters/projector``), copies and stores.

    Each part is initialised from its own key, so adding one changes no other.

    Args:
        synchronised: BatchNorms see the batches of all ranks.
    """

    def __init__(
        self, recipe: Recipe, facts: Facts, *, seed: int = 0, synchronised: bool = False
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.seed = seed
        self.synchronised = synchronised
        self.facts: dict[str, Any] = dict(vars(facts))
        self.parts = nn.ModuleDict()
        self.teacher = nn.ModuleDict()
        self.stores = nn.ModuleDict()
        self.stage = Stage(epochs=0)
        self._specs: dict[str, tuple[Part, dict[str, Any]]] = {}  # with the facts of its own
        self._schedules: list[tuple[str, str, Schedule]] = []  # path, setting, schedule
        backbone = self._add("backbone", BACKBONES, recipe.backbone)
        self.facts["num_features"] = backbone.num_features
        self.facts["patch"] = backbone.patch
        self.facts["stride"] = backbone.strides[-1] if backbone.strides else None
        self.facts["channels_of_maps"] = backbone.channels
        self._steps: dict[str, Any] = {}
        self.views = self._add_views("views", {})
        if others := {
            dims: self._add_views(f"views_{dims}d", {"dims": dims, "flips": flips})
            for dims, flips in facts.beside.items()
        }:
            self.views = ByDims({facts.dims: self.views, **others})
        fresh = any(stage.backbone == "fresh" for stage in recipe.stages)
        self._start = copy.deepcopy(backbone.state_dict()) if fresh else {}

    @property
    def backbone(self) -> nn.Module:
        """The online backbone, which learns."""
        return self.parts["backbone"]

    @property
    def published(self) -> nn.Module:
        """The backbone that the weights are: what pretraining is for."""
        return (self.teacher if self.recipe.publish == "momentum" else self.parts)["backbone"]

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """Of the present stage."""
        return self.stage.objectives

    def begin_stage(self, stage: Stage) -> None:
        """Build what the stage's objectives name and check that it fits.

        Raises:
            UserError: parts that do not fit; the sentence names them and those that would.
        """
        self.stage = stage
        self.stores = nn.ModuleDict()  # what a former stage said is of another method
        if stage.backbone == "fresh":
            for branch in self._branches("backbone"):
                branch.load_state_dict(self._start)
        for name, objective in stage.objectives.items():
            self._add_objective(name, objective)
        if self.recipe.momentum is not None:
            self._copy_for_momentum()

    def part(self, name: str, role: str, *, momentum: bool = False) -> Any:
        """The module that plays a role in an objective, or None."""
        spec = getattr(self.objectives[name], role)
        if spec is None:
            return None
        path = _path(spec) if isinstance(spec, str) else f"{name}/{role}"
        return self.teacher[path] if momentum else self.parts[path]

    def store(self, name: str, kind: str) -> Store:
        """The ``queue`` or ``bank`` of an objective."""
        held = self.stores[f"{name}/{kind}"]
        assert isinstance(held, Store)
        return held

    def target_of(self, objective: Objective) -> str:
        """``same``, ``detached`` or ``momentum``."""
        return objective.target or ("same" if self.recipe.momentum is None else "momentum")

    def refit_of(self, name: str) -> str | None:
        """``epoch``, ``stage`` or None: as the recipe says, else as the clustering is made for.

        One that is shared is fitted to its owner's bank.
        """
        if isinstance(self.objectives[name].clustering, str):
            return None
        clustering = self.part(name, "clustering")
        return self.objectives[name].refit or getattr(clustering, "refits", None)

    def set_schedules(self, progress: float) -> None:
        """Move every scheduled setting to its value at this share of the stage."""
        for path, setting, schedule in self._schedules:
            for part in [self._steps[path]] if path in self._steps else self._branches(path):
                setattr(part, setting, schedule.at(progress))

    def _branches(self, path: str) -> list[nn.Module]:
        """A part and its momentum copy, as far as they are built."""
        return [holder[path] for holder in (self.parts, self.teacher) if path in holder]

    def _add_views(self, path: str, facts: dict[str, Any]) -> Views:
        steps = {
            f"{path}/{place}": self._build(f"{path}/{place}", VIEWS, part, facts)
            for place, part in enumerate(self.recipe.views)
        }
        self._steps |= steps
        return in_turn(list(steps.values()))

    def _add_objective(self, name: str, objective: Objective) -> None:
        check_target(name, self.target_of(objective), self.recipe.momentum)
        check_queue(name, objective)
        width: int = self.facts["num_features"]
        embedding = width
        if objective.projector:
            of_views = getattr(self.views, "num_classes", {})
            classes = of_views.get(objective.labels, self.facts["num_classes"])
            projector = self._role(
                name, "projector", HEADS, num_features=width, num_classes=classes
            )
            embedding = projector.num_outputs
        if objective.predictor:
            self._role(name, "predictor", HEADS, num_features=embedding)
        clustered = width if objective.cluster_on == "features" else embedding
        clusters = 0
        if objective.clustering:
            every = self.facts["rows"]
            rows = {stream: count for stream, count in every.items() if stream == objective.stream}
            clustering = self._role(
                name, "clustering", CLUSTERING, num_features=clustered, rows=rows or every
            )
            clusters = clustering.num_clusters
        if objective.decoder:
            decoder = self._role(
                name, "decoder", DECODERS, num_features=embedding, num_clusters=clusters
            )
            sizes = (self.facts["image_size"],) * self.facts["dims"]
            check_decoder(name, objective, decoder, self.views, sizes, self._look_at_views)
        groups = self.views.num_targets
        if objective.queue:
            self.stores[f"{name}/queue"] = Store(groups, objective.queue, embedding)
        if when := self.refit_of(name):
            check_bank(name, objective, when, self.facts["rows"])
            kept = groups if when == "epoch" else 1
            rows = self.facts["rows"][objective.stream]
            self.stores[f"{name}/bank"] = Store(kept, rows, clustered)
        if objective.loss:
            loss = self._role(name, "loss", LOSSES)
            check_signals(name, objective, loss, self.views)
            check_pairs(name, objective, loss, self._look_at_views)

    def _look_at_views(self) -> list[View]:
        """Views of two blank cases: only their number, roles and sizes count."""
        sizes = [self.facts["image_size"]] * self.facts["dims"]
        device = next(self.backbone.parameters()).device  # a later stage begins where we are by now
        blank = torch.zeros(2, self.facts["in_channels"], *sizes, device=device)
        views: list[View] = self.views(blank, Draws(seed=0, step=0, batch=2, device=device))
        return views

    def _role(self, name: str, role: str, registry: Registry[Any], **facts: Any) -> Any:
        spec = getattr(self.objectives[name], role)
        if not isinstance(spec, str):
            return self._add(f"{name}/{role}", registry, spec, **facts)
        if _path(spec) not in self.parts:
            there = (
                ", ".join(path.replace("/", ".") for path in self.parts if "/" in path) or "none"
            )
            raise UserError(
                f"objective {name!r} shares {spec!r}, which is not built. Built: {there}."
            )
        return self.parts[_path(spec)]

    def _add(self, path: str, registry: Registry[Any], part: Part, **facts: Any) -> Any:
        """Build a part once; a later stage that names the same one goes on with it."""
        facts = {name: facts[name] for name in registry.names_of_settings(part.name) & facts.keys()}
        if self._specs.get(path) != (part, facts):
            self.parts[path] = self._build(path, registry, part, facts)
            self._specs[path] = part, facts
            if path in self.teacher:
                del self.teacher[path]
        return self.parts[path]

    def _build(self, path: str, registry: Registry[Any], part: Part, facts: dict[str, Any]) -> Any:
        torch.manual_seed(key(self.seed, "init", path))
        begun = {
            name: setting.start if isinstance(setting, Schedule) else setting
            for name, setting in part.settings.items()
        }
        built = assemble(registry, part.name, begun, {**self.facts, **facts})
        if self.synchronised and isinstance(built, nn.Module):
            synchronise(built)
        check_schedules(registry.kind, part, built)
        self._schedules = [entry for entry in self._schedules if entry[0] != path]
        moving = part.settings.items()
        self._schedules += [(path, k, v) for k, v in moving if isinstance(v, Schedule)]
        return built

    def _copy_for_momentum(self) -> None:
        for path, part in self.parts.items():
            if path.rpartition("/")[2] in MOMENTUM_ROLES and path not in self.teacher:
                self.teacher[path] = copy.deepcopy(part).requires_grad_(False)


def _path(shared: str) -> str:
    return shared.replace(".", "/")
