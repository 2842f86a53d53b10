"""``pixvox pack``: the weights of a run to a wheel that pip installs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say


@COMMANDS.register
def pack(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder of weights.")],
    name: Annotated[str, typer.Option(help="As pixvox_zoo.load will take it.")],
    licence: Annotated[str, typer.Option(help="Of the weights, in SPDX: CC-BY-4.0.")],
    version: Annotated[str, typer.Option(help="Of the wheel.")] = "1.0.0",
    data_licence: Annotated[
        str, typer.Option(help="Of the pretraining data, where the card says unknown.")
    ] = "",
    licence_file: Annotated[
        Path | None, typer.Option(exists=True, help="The licence's text, for the wheel.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Result files whose scores the card shall tell.")
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store numbers as float16.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the wheel.")] = Path("dist"),
) -> None:
    """Build a wheel of weights: the same bytes each time, each member compared with its origin.

    Example: pixvox pack runs/scans --name simclr-resnet18-scans --licence CC-BY-4.0

    Example: pixvox pack runs/scans --name simclr-scans --licence MIT --half --results runs/results
    """
    from pixvox_zoo.measured import scores_of
    from pixvox_zoo.packing import Parcel
    from pixvox_zoo.packing import pack as make
    from pixvox_zoo.weights_card import digests_of

    parcel = Parcel(
        name=name,
        version=version,
        licence=licence,
        data_licence=data_licence,
        licence_text="" if licence_file is None else licence_file.read_text(),
        half=half,
        scores=() if results is None else scores_of(results, digests_of(run)),
    )
    wheel = make(run, parcel, out)
    say(f"{wheel.stat().st_size / 1e6:.1f} MB; install it: pip install {wheel}")
    say(f'use it: pixvox_zoo.load("{name}")')
    print(wheel)
