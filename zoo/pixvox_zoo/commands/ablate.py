"""``pixvox ablate``: what each part of a method is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say
from pixvox_registry.errors import UserError


@COMMANDS.register
def ablate(
    recipe: Annotated[str, typer.Argument(help="A recipe's name.")],
    data: Annotated[str, typer.Option(help="A source to pretrain on.")],
    beside: Annotated[
        list[str] | None, typer.Option(help="A further source, in turn; repeatable.")
    ] = None,
    flips: Annotated[str, typer.Option(help="Mirror along: none, all, or axes as 0,2.")] = "none",
    vary: Annotated[
        list[str] | None,
        typer.Option(help="An axis: 'NAME: VARIANT key=value; OTHER key=value'; repeatable."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many, from 0.")] = 3,
    budget: Annotated[str, typer.Option(help="What every variant may spend.")] = "brief",
    epochs: Annotated[
        float | None, typer.Option(help="Instead of the budget's cases seen; of --data.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Of every source, instead of the budget's.")
    ] = None,
    tasks: Annotated[str, typer.Option(help="Measure on these, with commas.")] = "",
    against: Annotated[
        str, typer.Option(help="Recipes to measure beside them, pretrained on each task.")
    ] = "",
    protocols: Annotated[str, typer.Option(help="With commas.")] = "knn_probe,linear_probe",
    out: Annotated[Path, typer.Option(help="Runs, results and board.")] = Path("runs/ablation"),
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> None:
    """Pretrain every combination of a recipe's variants, and measure them side by side.

    The axes are those of the ablation.yaml beside the recipe, or of --vary. Finished runs are kept:
    an ablation that was stopped goes on where it stopped. Recipes of --against mirror as their task
    allows: give the variants the same --flips.

    Example: pixvox ablate joint_swav --data nifti:scans --beside medmnist:breastmnist --seeds 1

    Example: pixvox ablate cluster_contrast --data isic2017 --tasks isic2017 --against simclr
    """
    from pixvox_zoo.ablation import axes_of, axis_of, variants_of
    from pixvox_zoo.api import pretrain

    if against and not tasks:
        raise UserError(
            "--against names whom to measure beside the variants; give --tasks as well."
        )
    axes = dict(axis_of(text) for text in vary) if vary else axes_of(recipe)
    variants = variants_of(axes)
    for seed in range(seeds):
        for name, overrides in variants.items():
            folder = out / "runs" / f"{name}-s{seed}"
            say(f"{recipe} {name}, seed {seed}: {' '.join(overrides) or 'as it is'}")
            pretrain(
                recipe,
                data,
                folder,
                flips=flips,
                beside=beside or (),
                overrides=overrides,
                budget=budget,
                epochs=epochs,
                batch=batch,
                seed=seed,
                resume=True,
                quiet=quiet,
            )
    if tasks:
        methods = [f"weights:{out}/runs/{name}-s{{seed}}/weights" for name in variants]
        COMMANDS.get("benchmark")(
            ",".join([*methods, against]),
            tasks,
            protocols=protocols,
            seeds=seeds,
            budget=budget,
            out=out,
        )
