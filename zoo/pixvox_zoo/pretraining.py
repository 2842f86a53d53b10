"""Pretraining: one visible loop for every method, resumable at any step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from pixvox_registry.contracts import Order
from pixvox_registry.draws import key
from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_zoo import checkpoints, weights
from pixvox_zoo.allocator import keep_memory
from pixvox_zoo.card import card_of, identity_of
from pixvox_zoo.composition import Facts
from pixvox_zoo.feed import Feed
from pixvox_zoo.health import is_collapsed
from pixvox_zoo.interrupt import Interrupt
from pixvox_zoo.plan import Leg, plan
from pixvox_zoo.recipe import Recipe
from pixvox_zoo.refit import refit
from pixvox_zoo.refusals import check_streams
from pixvox_zoo.reporting import Reporter
from pixvox_zoo.run_folder import claim, lock
from pixvox_zoo.stepper import Stepper
from pixvox_zoo.wiring import Wiring

CHECKPOINT_SECONDS = 60.0


def pretrain(
    recipe: Recipe,
    order: Order,
    out: Path,
    *,
    resume: bool = False,
    devices: int = 1,
    accelerator: str = "auto",
    precision: str | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    quiet: bool = False,
) -> Path:
    """Pretrain a recipe on the cases of an order and publish ``out/weights``.

    A finished run is returned as it is; an interrupted one goes on from its newest checkpoint and
    ends with the same bits as if it had never stopped.

    Args:
        precision: ``32-true`` or ``bf16-mixed``; by default bf16 on CUDA and 32 elsewhere.
        checkpoint_seconds: the most work that a kill can cost.

    Raises:
        UserError: parts that do not fit, missing data, a folder that holds another run, or a loss
            that is not finite.
        SystemExit: 75 after SIGTERM or SIGUSR1; the run can be resumed.
    """
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        precision=precision or default_precision(accelerator),  # type: ignore[arg-type]
    )
    fabric.launch()
    identity = identity_of(recipe, order)
    if (out / "weights" / "card.json").exists():
        claim(out, identity, resume=resume)
        return out / "weights"
    feed, wiring = prepare(recipe, order, fabric)
    legs = plan(recipe, order.budget, feed.batch)
    with lock(out / "ranks" / str(fabric.global_rank) if fabric.global_rank else out):
        claim(out, identity, resume=resume or fabric.global_rank > 0)
        reporter = Reporter(out, feed, total=legs[-1].end, quiet=quiet or fabric.global_rank > 0)
        with reporter, Interrupt() as interrupt:
            train(wiring, feed, legs, out, fabric, reporter, interrupt, checkpoint_seconds)
            health = reporter.finish(wiring)
        if fabric.global_rank == 0:
            card = card_of(recipe, order, wiring, feed, health, reporter.wall_seconds)
            weights.save(out / "weights", wiring.backbone, card)
            checkpoints.remove(out / "checkpoints")
        if is_collapsed(health) and recipe.epochs > 0 and not quiet:
            reporter.warn(f"{recipe.name} has collapsed: {health}")
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
    found = checkpoints.newest(out / "checkpoints")
    tensors, state = found or ({}, {"step": 0, "leg": 0, "numbers": {}})
    reporter.resume(state["step"])
    for number, leg in enumerate(legs):
        wiring.begin_stage(leg.stage)
        wiring.to(fabric.device).train()
        if number < state["leg"]:
            continue
        check_every_stream(wiring, feed)
        stepper = Stepper(wiring)
        step = leg.start
        if found and number == state["leg"]:
            step = state["step"]
            restore(wiring, stepper, tensors, state)
        else:
            refit(wiring, "stage", feed, step)
            wiring.fill_queues((feed.at(s), feed.draws_at(s)) for s in range(feed.steps_per_epoch))
        last_save = time.monotonic()

        while step < leg.end:
            if step % feed.steps_per_epoch == 0:
                refit(wiring, "epoch", feed, step)
            loss = advance(wiring, feed, stepper, leg, step, fabric)
            step += 1
            reporter.step(step, loss, wiring, stepper.lr)
            due = time.monotonic() - last_save > checkpoint_seconds
            if (due or interrupt.requested) and fabric.global_rank == 0:
                store(out, step, number, wiring, stepper)
                last_save = time.monotonic()
            if interrupt.requested:
                interrupt.leave(f"{out} is safe at step {step} of {legs[-1].end}; resume it.")


def advance(
    wiring: Wiring, feed: Feed, stepper: Stepper, leg: Leg, step: int, fabric: Fabric
) -> Tensor:
    """One step, a function of its number and of the state before it: the loss ``[]``."""
    wiring.progress = leg.progress(step)
    wiring.set_schedules(wiring.progress)
    stepper.set_schedules(wiring.progress)
    torch.manual_seed(key(feed.seed, "dropout", step, fabric.global_rank))

    with fabric.autocast():
        loss: Tensor = wiring(feed.at(step), feed.draws_at(step))
    stepper.optimizer.zero_grad()
    loss.backward()
    norm = stepper.update(step - leg.start, wiring.progress)
    check_finite(loss, norm, step, feed)
    stepper.optimizer.step()
    wiring.after_step()
    return loss


def prepare(recipe: Recipe, order: Order, fabric: Fabric) -> tuple[Feed, Wiring]:
    """Cases on the device, and the method that fits them, its first stage built.

    Raises:
        UserError: missing labels, or parts that do not fit; nothing is written before.
    """
    keep_memory()
    cases = order.source.cases(order.split).resized(order.budget.image_size)
    missing = sorted(recipe.needs_labels - cases.labels.keys())
    if missing:
        raise UserError(
            f"Recipe {recipe.name!r} learns from the label {missing[0]!r}; {order.source.name} has "
            f"{', '.join(cases.labels) or 'no labels'}. Take a recipe that needs none."
        )
    feed = Feed(
        cases,
        Intensity.of(cases.images),
        batch=order.budget.batch,
        seed=order.seed,
        device=fabric.device,
        rank=fabric.global_rank,
        ranks=fabric.world_size,
    )
    classes = int(cases.labels["class"].max()) + 1 if "class" in cases.labels else 0
    facts = Facts(
        dims=cases.dims,
        in_channels=cases.in_channels,
        image_size=order.budget.image_size,
        width=order.budget.width,
        stem=order.budget.stem,
        flips=order.flips,
        num_classes=classes,
        rows={"pooled": len(cases)},
    )
    wiring = Wiring(recipe, facts, seed=order.seed)
    wiring.begin_stage(recipe.stages[0])
    wiring.to(fabric.device).train()
    check_every_stream(wiring, feed)
    return feed, wiring


@torch.no_grad()
def check_every_stream(wiring: Wiring, feed: Feed) -> None:
    """Refuse an objective whose stream the backbone does not give, before the first step."""
    wiring.eval()
    seen = [wiring.backbone(feed.at(0).images[:2])]
    wiring.train()
    for name, objective in wiring.objectives.items():
        check_streams(name, objective, wiring.recipe.backbone.name, seen)


def check_finite(loss: Tensor, norm: Tensor, step: int, feed: Feed) -> None:
    """Stop before the optimizer touches anything.

    Raises:
        UserError: names the step and its cases.
    """
    if bool((loss.detach() + norm).isfinite()):
        return
    what = "gradient" if bool(loss.detach().isfinite()) else "loss"
    ids = feed.ids_at(step)
    raise UserError(
        f"The {what} is not finite at step {step} (cases {', '.join(ids[:8])}"
        f"{f' and {len(ids) - 8} more' if len(ids) > 8 else ''}). Nothing was updated. Look at "
        "these cases, lower optimizer.lr, or set optimizer.clip."
    )


def store(out: Path, step: int, leg: int, wiring: Wiring, stepper: Stepper) -> None:
    """Write a checkpoint."""
    moments, numbers = checkpoints.split_optimizer(stepper.optimizer)
    own = {f"wiring/{name}": tensor for name, tensor in wiring.state_dict().items()}
    state: dict[str, Any] = {"leg": leg, "numbers": numbers}
    checkpoints.save(out / "checkpoints", step, {**own, **moments}, state)


def restore(
    wiring: Wiring, stepper: Stepper, tensors: dict[str, Tensor], state: dict[str, Any]
) -> None:
    """Go back to a checkpoint."""
    prefix = "wiring/"
    own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    weights.fit(wiring, own, "the checkpoint")
    checkpoints.join_optimizer(stepper.optimizer, tensors, state["numbers"])


def default_precision(accelerator: str) -> str:
    """bf16 where CUDA will run it, 32 bits elsewhere."""
    on_cuda = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    return "bf16-mixed" if on_cuda else "32-true"
