"""The zoo from Python: pretrain a recipe on a source, in one call."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pixvox_registry.budgets import budget as budget_of
from pixvox_registry.errors import UserError
from pixvox_registry.order import Beside, Order
from pixvox_registry.source_spec import build_source
from pixvox_zoo.border import read_recipe
from pixvox_zoo.pretraining import pretrain as run

STEMS = ("imagenet", "small")


def pretrain(
    recipe: str,
    data: str,
    out: Path | str,
    *,
    split: str = "train",
    budget: str = "small",
    seed: int = 0,
    flips: str | Sequence[int] = "none",
    beside: Sequence[str] = (),
    overrides: Sequence[str] = (),
    epochs: float | None = None,
    batch: int | None = None,
    image_size: int | None = None,
    width: float | None = None,
    stem: str | None = None,
    devices: int = 1,
    accelerator: str = "auto",
    precision: str | None = None,
    compile: bool = False,
    synchronise: bool = False,
    track: str | Sequence[str] = (),
    resume: bool = False,
    quiet: bool = False,
) -> Path:
    """Pretrain a recipe on a split of a source; the folder of the weights.

    Args:
        data: as on the command line, for example ``phantoms:shapes_2d,count=512``.
        flips: along which axes this anatomy may be mirrored: ``none``, ``all``, or their numbers.
        beside: further sources, whose batches alternate with those of ``data``; of each the same
            split, and batches as the budget says for its dims, or of ``batch`` as well.
        epochs: instead of what the budget says; likewise ``batch`` to ``stem``.
        devices: processes that train together.
        precision: ``32-true`` or ``bf16-mixed``; by default bf16 on CUDA and 32 elsewhere.
        compile: the backbone's steps by torch.compile, which needs a C++ compiler.
        synchronise: BatchNorms see the batches of all devices, so that two devices equal one.
        track: trackers that the log is sent to as well, for example ``tensorboard``.
    """
    changes = {
        "epochs": epochs,
        "batch": batch,
        "image_size": image_size,
        "width": width,
        "stem": stem,
    }
    method = read_recipe(recipe, overrides)
    order = order_for(
        method.name,
        data,
        split=split,
        budget=budget,
        seed=seed,
        flips=flips,
        beside=beside,
        changes=changes,
    )
    return run(
        method,
        order,
        Path(out),
        resume=resume,
        devices=devices,
        accelerator=accelerator,
        precision=precision,
        compile=compile,
        synchronise=synchronise,
        track=track,
        quiet=quiet,
    )


def order_for(
    method: str,
    data: str,
    *,
    split: str = "train",
    budget: str = "small",
    seed: int = 0,
    flips: str | Sequence[int] = "none",
    beside: Sequence[str] = (),
    changes: Mapping[str, Any],
) -> Order:
    """An order whose budget is a preset, or a preset with changes and then called ``custom``.

    Args:
        changes: of the preset, by name; None changes nothing.
    """
    source = build_source(data)
    preset = budget_of(budget, source.dims)
    wanted = {name: change for name, change in changes.items() if change is not None}
    _check_changes(wanted)
    if "epochs" in wanted:
        wanted["seen"] = max(1, round(wanted.pop("epochs") * len(source.cases(split))))
    others = [build_source(text) for text in beside]
    batch = wanted.get("batch")
    return Order(
        method=method,
        source=source,
        split=split,
        budget=replace(preset, **wanted, name="custom") if wanted else preset,
        seed=seed,
        flips=flip_axes(flips, source.dims),
        beside=tuple(
            Beside(source=other, split=split, batch=batch or budget_of(budget, other.dims).batch)
            for other in others
        ),
    )


def _check_changes(wanted: Mapping[str, Any]) -> None:
    if wanted.get("stem", "small") not in STEMS:
        raise UserError(f"A stem is one of {', '.join(STEMS)}, not {wanted['stem']!r}.")
    for name in ("epochs", "batch", "image_size", "width"):
        if not 0 < wanted.get(name, 1) < math.inf:
            raise UserError(f"{name} must be above 0, not {wanted[name]}.")


def flip_axes(flips: str | Sequence[int], dims: int) -> tuple[int, ...]:
    """Axes of ``*S`` along which views may mirror.

    >>> flip_axes("all", 3), flip_axes("none", 3), flip_axes("0,2", 3)
    ((0, 1, 2), (), (0, 2))

    Raises:
        UserError: an axis that images of ``dims`` dimensions do not have.
    """
    words = {"all": range(dims), "none": ()}
    axes = words.get(flips, flips.split(",")) if isinstance(flips, str) else flips
    named = {str(axis): axis for axis in range(dims)}
    strange = [axis for axis in map(str, axes) if axis.strip() not in named]
    if strange:
        raise UserError(
            f"Flips are none, all, or axes among {', '.join(named)} (the first is the first of an "
            f"image's own; in 2D, 1 is left-right); {', '.join(strange)} came."
        )
    return tuple(sorted({named[str(axis).strip()] for axis in axes}))
