"""Pretraining: one visible loop for every method, resumable at any step."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from torch import Tensor

from pixvox_registry.console import say
from pixvox_registry.errors import UserError
from pixvox_registry.order import Order
from pixvox_zoo import checkpoints, fitting, weights
from pixvox_zoo.accumulation import learn
from pixvox_zoo.card import card_of, identity_of, prints_of
from pixvox_zoo.compilation import check_compiler, compile_backbones
from pixvox_zoo.devices import default_precision, fabric_of
from pixvox_zoo.exports import save_exports
from pixvox_zoo.feed import Feed
from pixvox_zoo.interrupt import Interrupt
from pixvox_zoo.pictures.gallery import draw_gallery
from pixvox_zoo.plan import Leg, plan
from pixvox_zoo.preparation import prepare, take_turns
from pixvox_zoo.ranks import first_alone, greatest, part_at_exit, together
from pixvox_zoo.recipe import Recipe
from pixvox_zoo.refit import refit
from pixvox_zoo.reporting import Reporter
from pixvox_zoo.run_folder import claim, lock
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.trackers import Trackers, trackers_of
from pixvox_zoo.wiring import Wiring

CHECKPOINT_SECONDS = 60.0
GO_ON, STORE, LEAVE = range(3)  # what a rank wishes after a step; the greatest wish is granted


def pretrain(
    recipe: Recipe,
    order: Order,
    out: Path,
    *,
    resume: bool = False,
    devices: int = 1,
    accelerator: str = "auto",
    precision: str | None = None,
    compile: bool = False,
    synchronise: bool = False,
    track: str | Sequence[str] = (),
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    quiet: bool = False,
) -> Path:
    """Pretrain a recipe on the cases of an order and publish ``out/weights``.

    A finished run is returned as it is; an interrupted one goes on from its newest checkpoint and
    ends with the same bits as if it had never stopped.

    Args:
        precision: ``32-true`` or ``bf16-mixed``; by default bf16 on CUDA and 32 elsewhere.
        compile: the backbone's steps by torch.compile; its bits are others, so it is another run.
        synchronise: BatchNorms see the batches of all processes; as with ``compile``.
        track: names of trackers that the log is sent to as well; they decide nothing.
        checkpoint_seconds: the most work that a kill can cost.

    Raises:
        UserError: parts that do not fit, missing data, a missing compiler or tracker, a folder
            that holds another run, or a loss that is not finite.
        SystemExit: 75 after SIGTERM or SIGUSR1; the run can be resumed.
    """
    precision = precision or default_precision(accelerator)
    fabric = fabric_of(devices, accelerator, precision)
    extra = {"compile": True} if compile else {}
    extra |= {"synchronised_norm": True} if synchronise else {}
    identity = identity_of(recipe, order, precision=precision, processes=devices) | extra
    trackers = Trackers(trackers_of(track), out, identity)
    if compile:
        check_compiler()
    if (out / "weights" / "card.json").exists():
        claim(out, identity, resume=resume)
        return out / "weights"
    fabric.launch()
    part_at_exit()
    with together(fabric.device):
        feed, wiring = prepare(recipe, order, fabric, synchronised=synchronise)
    if compile:
        compile_backbones(wiring)
    legs = plan(recipe, order.budget, feed.batch)
    first = fabric.global_rank == 0
    with ExitStack() as held:
        with together(fabric.device):
            if first:
                held.enter_context(lock(out))
                claim(out, identity, resume=resume)
        reporter = held.enter_context(
            Reporter(
                out,
                feed,
                total=legs[-1].end,
                batches=recipe.optimizer.accumulate,
                trackers=trackers,
                quiet=quiet,
                first=first,
            )
        )
        interrupt = held.enter_context(Interrupt())
        train(wiring, feed, legs, out, fabric, reporter, interrupt, checkpoint_seconds)
        with together(fabric.device):
            if first:
                finish(recipe, order, wiring, feed, out, reporter, precision, extra)
    return out / "weights"


def train(
    wiring: Wiring,
    feed: Feed,
    legs: Sequence[Leg],
    out: Path,
    fabric: Fabric,
    reporter: Reporter,
    interrupt: Interrupt,
    checkpoint_seconds: float,
) -> None:
    """The loop, prose from top to bottom."""
    found = first_alone(lambda: checkpoints.newest(out / "checkpoints"), fabric.device)
    tensors, state = found or ({}, {"step": 0, "leg": 0})
    batches = wiring.recipe.optimizer.batches
    reporter.resume(state["step"], state.get("wall_seconds", 0.0))
    for number, leg in enumerate(legs):
        wiring.begin_stage(leg.stage)
        wiring.to(fabric.device).train()
        if number < state["leg"]:
            continue
        take_turns(wiring, feed)
        stepper = Stepper(wiring)
        step = leg.start
        if found and number == state["leg"]:
            step = state["step"]
            restore(wiring, stepper, tensors, state)
        else:
            refit(wiring, "stage", feed, batches(step).start)
            refit(wiring, "epoch", feed, batches(step).start)
            wiring.fill_queues((feed.at(s), feed.draws_at(s).under("queue")) for s in count())
        last_save = time.monotonic()

        while step < leg.end:
            if step > leg.start and begins_epoch(batches(step), feed):
                refit(wiring, "epoch", feed, batches(step).start)
            loss = advance(wiring, feed, stepper, leg, step, fabric)
            step += 1
            reporter.step(step, loss, wiring, stepper.lr)
            due = time.monotonic() - last_save > checkpoint_seconds
            wish = LEAVE if interrupt.requested else STORE if due else GO_ON
            wish = greatest(wish, fabric.device)
            if wish >= STORE:
                with together(fabric.device):
                    if fabric.global_rank == 0:
                        store(out, step, number, wiring, stepper, reporter.wall_seconds)
                last_save = time.monotonic()
            if wish == LEAVE:
                interrupt.leave(f"{out} is safe at step {step} of {legs[-1].end}; resume it.")


def advance(
    wiring: Wiring, feed: Feed, stepper: Stepper, leg: Leg, step: int, fabric: Fabric
) -> Tensor:
    """One step, a function of its number and of the state before it: the loss ``[]``."""
    wiring.progress = leg.progress(step)
    wiring.set_schedules(wiring.progress)
    stepper.set_schedules(wiring.progress)

    stepper.optimizer.zero_grad()
    batches = wiring.recipe.optimizer.batches(step)
    losses = learn(wiring, feed, batches, fabric)
    norm = stepper.update(step - leg.start, wiring.progress)
    check_finite(losses, norm, step, batches, feed)
    stepper.optimizer.step()
    wiring.after_step()
    return losses.mean()


def begins_epoch(batches: range, feed: Feed) -> bool:
    """Is a step of these batches the first that starts in its epoch?"""
    return batches.start % feed.steps_per_epoch < len(batches)


def check_finite(losses: Tensor, norm: Tensor, step: int, batches: range, feed: Feed) -> None:
    """Stop before the optimizer touches anything.

    Args:
        losses: of the step's batches, ``[N]``.
        norm: of their mean gradient, ``[]``.

    Raises:
        UserError: names the step, and the cases of each batch whose loss is not finite.
    """
    if bool((losses.sum() + norm).isfinite()):
        return
    finite = losses.isfinite()
    what = "gradient" if bool(finite.all()) else "loss"
    faulty = [b for b, is_fine in zip(batches, finite, strict=True) if not is_fine] or batches
    ids = [case for batch in faulty for case in feed.ids_at(batch)]
    raise UserError(
        f"The {what} is not finite at step {step} (cases {', '.join(ids[:8])}"
        f"{f' and {len(ids) - 8} more' if len(ids) > 8 else ''}). Nothing was updated. Look at "
        "these cases, lower optimizer.lr, or set optimizer.clip."
    )


def store(
    out: Path, step: int, leg: int, wiring: Wiring, stepper: Stepper, wall_seconds: float
) -> None:
    """Write a checkpoint."""
    moments, numbers = checkpoints.split_optimizer(stepper.optimizer)
    own = {f"wiring/{name}": tensor for name, tensor in wiring.state_dict().items()}
    state: dict[str, Any] = {"leg": leg, "numbers": numbers, "wall_seconds": wall_seconds}
    checkpoints.save(out / "checkpoints", step, {**own, **moments}, state)


def restore(
    wiring: Wiring, stepper: Stepper, tensors: dict[str, Tensor], state: dict[str, Any]
) -> None:
    """Go back to a checkpoint."""
    prefix = "wiring/"
    own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    fitting.fit(wiring, own, "the checkpoint")
    checkpoints.join_optimizer(stepper.optimizer, tensors, state["numbers"])


def finish(
    recipe: Recipe,
    order: Order,
    wiring: Wiring,
    feed: Feed,
    out: Path,
    reporter: Reporter,
    precision: str,
    extra: Mapping[str, Any],
) -> None:
    """Look at the whole run a last time, and publish its weights."""
    health = reporter.finish(wiring)
    card = card_of(
        recipe,
        order,
        wiring,
        feed,
        health,
        reporter.cost(),
        precision=precision,
        processes=feed.ranks,
    )
    card |= {**extra, "curves": reporter.curves()}
    if pictures := draw_gallery(wiring, feed, order, out / "pictures"):
        card["shown"] = pictures
    shown = prints_of(recipe, order)
    save_exports(out, wiring.published, card, feed, shown)
    weights.save(out / "weights", wiring.published, card, shown)
    checkpoints.remove(out / "checkpoints")
    if card["collapsed"]:
        say(f"{recipe.name} has collapsed: {health}")
