"""Meter ``step``: pretraining end to end against the bare step, and where the time goes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from pixvox_registry import METERS, UserError
from pixvox_registry.budgets import budget
from pixvox_registry.order import Order
from pixvox_registry.source_spec import build_source

SOURCES = {2: "phantoms:shapes_2d,count=2048", 3: "phantoms:shapes_3d,count=512"}


@METERS.register
def step(recipe: str | None, dims: int, seconds: float) -> list[dict[str, Any]]:
    """Throughput of whole training steps over that of the bare step.

    The bare step is forward (of the momentum encoder too), loss, backward and optimizer of the same
    method, on views and cluster assignments that are ready. The whole one adds what an epoch costs
    besides, health checks and refits of clusterings. Both are timed in turn, so noise falls on
    both; medians are compared.
    """
    import torch

    from pixvox_zoo.border import read_recipe
    from pixvox_zoo.devices import fabric_of
    from pixvox_zoo.health import examine
    from pixvox_zoo.memory import peak_megabytes
    from pixvox_zoo.plan import plan
    from pixvox_zoo.preparation import prepare
    from pixvox_zoo.pretraining import advance
    from pixvox_zoo.refit import refit
    from pixvox_zoo.reporting import Reporter
    from pixvox_zoo.stepper import Stepper

    method = read_recipe(recipe or "simclr")
    if method.epochs == 0:
        raise UserError(f"Recipe {method.name!r} is not trained, so it has no step to measure.")
    order = Order(
        method=method.name,
        source=build_source(SOURCES[dims]),
        split="train",
        budget=budget("small", dims),
        seed=0,
        flips=tuple(range(dims)),
    )
    fabric = fabric_of()
    feed, wiring = prepare(method, order, fabric)
    before = peak_megabytes(fabric.device)
    leg = plan(method, order.budget, feed.batch)[0]
    stepper = Stepper(wiring)
    refit(wiring, "epoch", feed, 0)  # which fills the bank as well; the second time is the cost
    clock = Clock()
    clock.time("refit", lambda: refit(wiring, "epoch", feed, 0))
    wiring.fill_queues((feed.at(s), feed.draws_at(s).under("queue")) for s in count())
    ready = feed.at(0), wiring.views(feed.at(0).images, feed.draws_at(0))
    assigned: dict[Any, Any] = {}

    def bare() -> None:
        with fabric.autocast(), assignments_ready(wiring, assigned):
            loss = wiring.loss_of(*ready)
        stepper.optimizer.zero_grad()
        loss.backward()
        stepper.optimizer.step()

    def whole(number: int) -> None:
        advance(wiring, feed, stepper, leg, number, fabric)

    bare()
    whole(0)
    number, until = 1, time.perf_counter() + 2 * seconds
    while time.perf_counter() < until or number < 4:
        clock.time("bare", bare)
        clock.time("whole", partial(whole, number))
        phases(clock, wiring, feed, stepper, number, fabric)
        number += 1
    batches = method.optimizer.accumulate
    with tempfile.TemporaryDirectory() as folder:
        reporter = Reporter(Path(folder), feed, total=leg.end, batches=batches, quiet=True)
    clock.time("health", lambda: examine(wiring.backbone, feed, reporter.cases))
    health = clock.median("health") / (reporter.every * batches)  # for each batch
    refits = clock.median("refit") / feed.steps_per_epoch
    spent, fastest = clock.median("whole") / batches + health + refits, clock.median("bare")
    stem = f"{order.budget.stem} stem, width {order.budget.width:g}, {order.budget.image_size} px"
    where = f"{method.name} {dims}D, batch {feed.batch}, {stem}, {torch.get_num_threads()} threads"
    rows = [
        {
            "what": "fraction_of_bare_step",
            "ours": feed.batch / spent,
            "other": feed.batch / fastest,
            "ratio": fastest / spent,
            "unit": f"cases/s ({where})",
        },
        {
            "what": "peak_memory",
            "ours": peak_megabytes(fabric.device),
            "other": before,
            "ratio": peak_megabytes(fabric.device) / before if before else None,
            "unit": "MB, against those before the first step",
        },
    ]
    total = sum(clock.median(name) for name in PHASES) + health + refits
    for name in PHASES:
        rows.append(_share(name, clock.median(name), total))
    return [*rows, _share("health", health, total), _share("refit", refits, total)]


PHASES = ("read", "views", "forward", "loss", "backward", "optimizer")


@contextmanager
def assignments_ready(wiring: Any, known: dict[Any, Any]) -> Iterator[None]:
    """Clusterings give what they gave at the first call, and compute nothing."""
    clusterings = [
        part
        for path, part in [*wiring.parts.items(), *wiring.teacher.items()]
        if path.endswith("/clustering")
    ]
    for number, clustering in enumerate(clusterings):
        assign = clustering.assign

        def remembered(z: Any, *more: Any, number: int = number, assign: Any = assign) -> Any:
            place = number, z.shape
            if place not in known:
                known[place] = assign(z, *more)
            return known[place]

        clustering.assign = remembered
    try:
        yield
    finally:
        for clustering in clusterings:
            del clustering.assign


def phases(clock: Clock, wiring: Any, feed: Any, stepper: Any, number: int, fabric: Any) -> None:
    """One step, lap by lap; the loss is timed by hooks inside the forward pass."""
    inside = Clock()
    hooks = []
    for name in wiring.objectives:
        loss = wiring.part(name, "loss")
        hooks.append(loss.register_forward_pre_hook(lambda *_: inside.start("loss")))
        hooks.append(loss.register_forward_hook(lambda *_: inside.stop("loss")))
    batch = clock.time("read", lambda: feed.at(number))
    views = clock.time("views", lambda: wiring.views(batch.images, feed.draws_at(number)))
    begun = time.perf_counter()
    with fabric.autocast():
        total = wiring.loss_of(batch, views)
    forward = time.perf_counter() - begun
    loss_seconds = sum(inside.laps.get("loss", []))
    clock.laps.setdefault("forward", []).append(forward - loss_seconds)
    clock.laps.setdefault("loss", []).append(loss_seconds)
    stepper.optimizer.zero_grad()
    clock.time("backward", total.backward)

    def optimize() -> None:
        stepper.update(number, 0.0)
        stepper.optimizer.step()
        wiring.after_step()

    clock.time("optimizer", optimize)
    for hook in hooks:
        hook.remove()


class Clock:
    """Laps by name, with the device's queue drained before and after each."""

    def __init__(self) -> None:
        self.laps: dict[str, list[float]] = {}
        self._begun: dict[str, float] = {}

    def start(self, name: str) -> None:
        """Begin a lap."""
        _drain()
        self._begun[name] = time.perf_counter()

    def stop(self, name: str) -> None:
        """End it."""
        _drain()
        self.laps.setdefault(name, []).append(time.perf_counter() - self._begun[name])

    def time(self, name: str, action: Callable[[], Any]) -> Any:
        """One lap around an action."""
        self.start(name)
        result = action()
        self.stop(name)
        return result

    def median(self, name: str) -> float:
        """Seconds."""
        return statistics.median(self.laps[name])


def _share(name: str, seconds: float, total: float) -> dict[str, Any]:
    return {
        "what": name,
        "ours": seconds * 1e3,
        "other": total * 1e3,
        "ratio": seconds / total,
        "unit": "ms of ms a step",
    }


def _drain() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
