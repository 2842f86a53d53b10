"""``pixvox data show``: a contact sheet of cases, and of the views that a recipe makes of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pixvox_registry import COMMANDS, UserError
from pixvox_registry.console import say

if TYPE_CHECKING:
    from torch import Tensor

    from pixvox_registry.cases import Cases


@COMMANDS.register
def data_show(
    source: Annotated[str, typer.Argument(help="medmnist:breastmnist, phantoms:shapes_3d, ...")],
    split: Annotated[str, typer.Option(help="Which cases of the source.")] = "train",
    count: Annotated[int, typer.Option(help="How many, spread over the split.")] = 16,
    out: Annotated[Path | None, typer.Option(help="The PNG; named after the source.")] = None,
    views: Annotated[str, typer.Option(help="A recipe: its views beside the originals.")] = "",
    flips: Annotated[str, typer.Option(help="Mirror along: none, all, or axes as 0,2.")] = "none",
    seed: Annotated[int, typer.Option(help="Of the views.")] = 0,
) -> None:
    """Write a contact sheet: volumes as rows of slices, masks as contours.

    Example: pixvox data show phantoms:shapes_2d --views simclr --out sheet.png
    """
    from pixvox_registry.artifacts import publish
    from pixvox_registry.contact_sheet import draw_sheet, strips_of
    from pixvox_registry.source_spec import build_source

    file = out or Path(re.sub(r"\W+", "-", f"{source}-{split}").strip("-") + ".png")
    if file.suffix.lower() != ".png":
        raise UserError(f"A contact sheet is a PNG; {file} ends otherwise.")
    if count < 1:
        raise UserError(f"A contact sheet wants at least one case; --count {count} came.")
    origin = build_source(source)
    cases = origin.cases(split)
    some = chosen(cases, count)
    made = views_of(cases, some, views, flips=flips, seed=seed) if views else []
    title = f"{origin.name}   {split}   {len(some)} of {len(cases):,}"
    title += f"   views of {views}" if views else ""
    strips = strips_of(some, getattr(origin, "classes", ()), made)
    publish(file, draw_sheet(strips, title))
    say(f"{len(some)} of {len(cases):,} cases of {origin.name}, {split}: {file}")


def chosen(cases: Cases, count: int) -> Cases:
    """As many cases, spread evenly from the first to the last."""
    import torch

    rows = torch.linspace(0, len(cases) - 1, min(count, len(cases))).round().long()
    return cases.chosen(rows.tolist())


def views_of(cases: Cases, some: Cases, recipe: str, *, flips: str, seed: int) -> list[Tensor]:
    """What pretraining would see of ``some``: each view ``[N, C, *S]``, back in stored units."""

    from pixvox_registry.draws import Draws
    from pixvox_registry.intensity import Intensity
    from pixvox_zoo.api import flip_axes
    from pixvox_zoo.border import read_recipe
    from pixvox_zoo.composition import Composition, Facts

    facts = Facts(
        dims=cases.dims,
        in_channels=cases.in_channels,
        image_size=min(cases.images.shape[2:]),
        flips=flip_axes(flips, cases.dims),
    )
    make = Composition(read_recipe(recipe), facts).views
    intensity = Intensity.of(cases)
    draws = Draws(seed, step=0, batch=len(some))
    return [
        intensity.stored(view.image) for view in make(intensity.standardise(some.images[:]), draws)
    ]
