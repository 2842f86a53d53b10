"""Wiring: one for every method. Views -> two branches -> objectives -> weighted sum."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pixvox_registry.contracts import Batch, View
from pixvox_registry.draws import Draws, key
from pixvox_zoo.branches import (
    Encoded,
    Stream,
    encode,
    index_of,
    over_views,
    single,
    stream,
    undisturbed,
)
from pixvox_zoo.composition import Composition
from pixvox_zoo.ranks import gather
from pixvox_zoo.recipe import Objective, Part, value
from pixvox_zoo.signals import Signals, call, names_of, pairs_of

# axis along which ranks hold shares of a signal
GATHERED = {"online": 1, "target": 1, "labels": 1, "frame": 1, "mask": 1, "scores": 2, "index": 0}


@dataclass
class Trace:
    """What a step leaves behind for the state that moves after it."""

    target: Tensor  # [G, B, E]
    clustered: Tensor  # [G, B, E or D]
    index: Tensor  # [B]
    assignments: Tensor | None  # [H, G or 1, B, K]


class Wiring(Composition):
    """The whole method as one module, the only owner of state.

    Ranks meet here, and where banks are filled (``refit``), and nowhere else before the gradient.
    """

    progress = 0.0  # share of the stage that is done; the loop moves it

    def forward(self, batch: Batch, draws: Draws) -> Tensor:
        """The weighted sum of all objectives that this batch can serve: ``-> []``."""
        with torch.autocast(batch.images.device.type, enabled=False):  # half would show in pixels
            views = self.views(batch.images, draws)
        return self.loss_of(batch, views)

    def loss_of(self, batch: Batch, views: list[View]) -> Tensor:
        """The same, from views that are ready."""
        self.losses: dict[str, Tensor] = {}
        total = batch.images.new_zeros(())
        for name, signals in self._signals_of(batch, views):
            objective = self.objectives[name]
            if objective.loss is None:
                continue
            with torch.autocast(batch.images.device.type, enabled=False):
                self.losses[name] = call(self.part(name, "loss"), signals)
            total = total + value(objective.weight, self.progress) * self.losses[name]
        return total

    def _signals_of(self, batch: Batch, views: list[View]) -> Iterator[tuple[str, Signals]]:
        """The signals of each objective that this batch can serve; each leaves its trace."""
        online = encode(self.parts["backbone"], views, range(len(views)), masked=True)
        target = self._encode_target(views, online)
        self.traces: dict[str, Trace] = {}
        for name, objective in self.objectives.items():
            signals = self._signals(name, objective, batch, views, online, target)
            if signals is not None:
                yield name, signals

    def serves(self, batch: Batch, views: list[View]) -> bool:
        """Has any objective of the stage its streams in such a batch?"""
        online = encode(self.parts["backbone"], views, range(len(views)), masked=True)
        target = self._encode_target(views, online)
        return any(
            stream(online, objective.stream, len(batch.images)) is not None
            and stream(target, objective.target_stream or objective.stream, len(batch.images))
            is not None
            for objective in self.objectives.values()
        )

    def _encode_target(self, views: list[View], online: Encoded) -> Encoded:
        if not self.teacher:
            return online
        shown = [number for number, view in enumerate(views) if view.role != "online"]
        with torch.no_grad():
            return encode(self.teacher["backbone"], views, shown, masked=False)

    def _signals(
        self,
        name: str,
        objective: Objective,
        batch: Batch,
        views: list[View],
        online: Encoded,
        target: Encoded,
    ) -> Signals | None:
        """Everything the objective's parts may name, or None if this batch lacks its stream."""
        momentum = self.target_of(objective) == "momentum"
        h = stream(online, objective.stream, len(batch.images))
        target_stream = objective.target_stream or objective.stream
        h_target = stream(target if momentum else online, target_stream, len(batch.images))
        if h is None or h_target is None:
            return None
        z = Stream(h.views, single(over_views(self.part(name, "projector"), h.x)))
        z_target = self._target_embedding(name, objective, z, h_target)
        ours = [number for number in h.views if views[number].role != "target"]
        theirs = [number for number in h_target.views if views[number].role != "online"]
        z, h = z.only(ours), h.only(ours)
        z_target, h_target = z_target.only(theirs), h_target.only(theirs)
        signals = Signals(
            online=single(over_views(self.part(name, "predictor"), z.x)),
            target=z_target.x,
            pairs=pairs_of(objective.pairs, z_target.views, z.views),
            index=index_of(objective.stream, batch, z_target.x.shape[1]),
            mask=_stack(views, z.views, "mask") if _is_masked(objective) else None,
            frame=_stack(views, z.views, "frame"),
            labels=_labels(objective.labels, batch, views, z.views),
        )
        on_features = objective.cluster_on == "features"
        if objective.clustering:
            mine = single(h.x) if on_features else z.x
            with torch.autocast(mine.device.type, enabled=False):
                signals.scores = self.part(name, "clustering").scores(mine)
        if objective.decoder:
            self._decode(name, signals, views, z, online)
        elif signals.mask is not None:
            signals.mask = signals.mask.flatten(2).reshape(len(z.views), -1)  # [V, B*N]
        clustered = (single(h_target.x) if on_features else z_target.x).detach()
        self._gather(name, objective, signals)
        if objective.clustering:
            clustered = gather(clustered)
        self._consult_state(name, objective, signals, clustered)
        return signals

    def _target_embedding(
        self, name: str, objective: Objective, z: Stream, h_target: Stream
    ) -> Stream:
        """The target branch's embedding, cut from the graph unless the target is ``same``."""
        kind = self.target_of(objective)
        if kind != "momentum" and not objective.target_stream:
            return z if kind == "same" else Stream(z.views, z.x.detach())
        with torch.set_grad_enabled(kind == "same"):
            projector = self.part(name, "projector", momentum=kind == "momentum")
            x = single(over_views(projector, h_target.x))
        return Stream(h_target.views, x if kind == "same" else x.detach())

    def _decode(
        self, name: str, signals: Signals, views: list[View], z: Stream, online: Encoded
    ) -> None:
        """Paint predictions; pictures stay on their rank."""
        shown = [views[number] for number in z.views]
        signals.original = torch.stack(
            [v.image if v.original is None else v.original for v in shown]
        )
        dense = Signals(
            features=next(iter(online.values())),
            embedding=z.x.flatten(0, 1),
            mask=None if signals.mask is None else signals.mask.flatten(0, 1),
            scores=None if signals.scores is None else signals.scores.flatten(1, 2),
        )
        painted = call(self.part(name, "decoder"), dense)
        signals.prediction = single(painted.unflatten(0, signals.original.shape[:2]))

    def _gather(self, name: str, objective: Objective, signals: Signals) -> None:
        """Losses, queues and clusterings see the global batch; what none of them names stays."""
        wanted = set(names_of(self.part(name, "loss"))) if objective.loss else set()
        wanted |= {"index", "target"} if objective.queue else set()
        wanted |= {"index"} if objective.clustering else set()
        wanted -= {"mask"} if objective.decoder else set()  # it goes with the pictures
        same = signals.online is signals.target and wanted >= {"online", "target"}
        for signal, axis in GATHERED.items():  # in this order on every rank
            if signal in wanted and not (same and signal == "target"):
                setattr(signals, signal, gather(getattr(signals, signal), axis))
        if same:
            signals.target = signals.online

    def _consult_state(
        self, name: str, objective: Objective, signals: Signals, clustered: Tensor
    ) -> None:
        """Queue and assignments, as they stood before this step."""
        assert signals.target is not None and signals.index is not None
        if objective.queue:
            signals.queue, signals.queue_index = self.store(name, "queue").rows()
        if objective.clustering:
            momentum = self.target_of(objective) == "momentum"
            clustering = self.part(name, "clustering", momentum=momentum)
            with torch.no_grad(), torch.autocast(clustered.device.type, enabled=False):
                signals.assignments = clustering.assign(clustered, signals.index, signals.queue)
            signals.groups = clustering.groups(signals.index)
            if signals.queue_index is not None:
                signals.queue_groups = clustering.groups(signals.queue_index)
        self.traces[name] = Trace(
            signals.target.detach(), clustered, signals.index, signals.assignments
        )

    @torch.no_grad()
    def after_step(self) -> None:
        """All state moves here, once per optimizer step: momentum, queues, banks, centres."""
        if self.recipe.momentum is not None:
            self._follow(1 - value(self.recipe.momentum, self.progress))
        for name, trace in self.traces.items():
            objective = self.objectives[name]
            if objective.queue:
                self.store(name, "queue").push(trace.index, trace.target)
            if self.refit_of(name) == "epoch":
                self.store(name, "bank").write(trace.index, trace.clustered)
            if isinstance(objective.clustering, Part):  # one that is shared moves once
                shown = self._all_clustered(name)
                for momentum in {False, self.target_of(objective) == "momentum"}:
                    self.part(name, "clustering", momentum=momentum).update(shown)

    def _all_clustered(self, owner: str) -> Tensor:
        """``[1, rows, E]`` that a clustering saw in this step, for its owner and who shares it."""
        shared = f"{owner}.clustering"
        sharers = [
            name
            for name, objective in self.objectives.items()
            if name == owner or objective.clustering == shared
        ]
        seen = [self.traces[name].clustered for name in sharers if name in self.traces]
        return seen[0] if len(seen) == 1 else torch.cat([x.flatten(0, 1) for x in seen])[None]

    @torch.no_grad()
    def fill_queues(self, batches: Iterable[tuple[Batch, Draws]]) -> None:
        """Fill every queue before the first step: an empty one gives no loss and moves nothing."""
        waiting = {name for name, objective in self.objectives.items() if objective.queue}
        with undisturbed(self.parts, self.teacher), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what lacks a queue's rows says so, and will have them
            for batch, draws in batches:
                if not waiting:
                    return
                torch.manual_seed(key(draws.seed, "queue", draws.step))
                for name, _ in self._signals_of(batch, self.views(batch.images, draws)):
                    if name in waiting:
                        queue, trace = self.store(name, "queue"), self.traces[name]
                        queue.push(trace.index, trace.target)
                        waiting -= {name} if queue.is_full else set()

    def _follow(self, rate: float) -> None:
        """Momentum copies move a little towards their originals."""
        for path, copy in self.teacher.items():
            originals = self.parts[path].parameters()
            for follower, leader in zip(copy.parameters(), originals, strict=True):
                follower.lerp_(leader, rate)


def _is_masked(objective: Objective) -> bool:
    """Do its rows, or its pictures, stand for places that a mask may hide?"""
    return objective.stream in ("tokens", "maps") or objective.decoder is not None


def _stack(views: list[View], numbers: Iterable[int], name: str) -> Tensor | None:
    """``[V, B, ...]`` on the device of the images: masks are drawn where they are counted."""
    shown = [views[number] for number in numbers]
    found = [getattr(view, name) for view in shown]
    if any(x is None for x in found):
        return None
    return torch.stack(found).to(shown[0].image.device, non_blocking=True)


def _labels(
    name: str | None, batch: Batch, views: list[View], numbers: tuple[int, ...]
) -> Tensor | None:
    """``[V, B]``: of the views where they provide them, else of the cases."""
    if name is None:
        return None
    if name in views[numbers[0]].labels:
        return torch.stack([views[number].labels[name] for number in numbers])
    return batch.labels[name].expand(len(numbers), -1)
