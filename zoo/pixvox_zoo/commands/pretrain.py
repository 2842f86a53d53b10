"""``pixvox pretrain``: a recipe on a source, to weights that load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say


@COMMANDS.register
def pretrain(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, or a YAML file.")],
    data: Annotated[str, typer.Option(help="A source, for example image_folder:PATH.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the run.")] = None,
    split: Annotated[str, typer.Option(help="Which cases of the source.")] = "train",
    budget: Annotated[str, typer.Option(help="tiny, brief, small, standard, paper.")] = "small",
    epochs: Annotated[
        float | None, typer.Option(help="Instead of the budget's cases seen.")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Of every source, over all devices.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Instead of the budget's side.")] = None,
    width: Annotated[float | None, typer.Option(help="Instead of the budget's width.")] = None,
    stem: Annotated[
        str | None, typer.Option(help="Instead of the budget's: imagenet or small.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights, order and views.")] = 0,
    flips: Annotated[str, typer.Option(help="Mirror along: none, all, or axes as 0,2.")] = "none",
    beside: Annotated[
        list[str] | None,
        typer.Option(help="A further source, in turn with the first; repeatable."),
    ] = None,
    devices: Annotated[int, typer.Option(help="Processes that train together.")] = 1,
    accelerator: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str | None, typer.Option(help="32-true or bf16-mixed; by device.")] = None,
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile the backbone; needs a C++ compiler.")
    ] = False,
    synchronise: Annotated[
        bool, typer.Option("--synchronise", help="BatchNorms see the batches of all devices.")
    ] = False,
    track: Annotated[
        list[str] | None,
        typer.Option(help="Send the log to tensorboard, wandb, mlflow, ...; repeatable."),
    ] = None,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="key=value of the recipe; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Pretrain a method and write its weights, card, log and curves.

    Example: pixvox pretrain simclr --data image_folder:scans --epochs 50 --out runs/scans
    """
    from pixvox_zoo.api import pretrain as run
    from pixvox_zoo.ranks import rank

    folder = run(
        recipe,
        data,
        out or Path("runs") / f"{Path(recipe).stem}-s{seed}",
        split=split,
        budget=budget,
        seed=seed,
        flips=flips,
        beside=beside or (),
        overrides=override or (),
        epochs=epochs,
        batch=batch,
        image_size=image_size,
        width=width,
        stem=stem,
        devices=devices,
        accelerator=accelerator,
        precision=precision,
        compile=compile,
        synchronise=synchronise,
        track=track or (),
        resume=resume,
        quiet=quiet,
    )
    if rank() == 0:
        say(f'Done. Load it: pixvox_zoo.load("{folder}").')
