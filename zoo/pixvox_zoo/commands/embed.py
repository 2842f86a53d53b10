"""``pixvox embed``: features of every case of a source, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say


@COMMANDS.register
def embed(
    weights: Annotated[
        str, typer.Argument(help="A folder of weights, an installed name, or hf://owner/name.")
    ],
    source: Annotated[
        str,
        typer.Argument(help="medmnist:breastmnist, nifti:DIR, ...; or a folder, or a CSV list."),
    ],
    out: Annotated[Path, typer.Option(help="The table: .csv, or .parquet with pyarrow.")],
    split: Annotated[str, typer.Option(help="Which cases: all, train, val, ...")] = "all",
    slices: Annotated[
        bool, typer.Option("--slices", help="2D weights on volumes: the mean over all slices.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Cases in a forward pass.")] = 256,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Write the features of every case: id, patient, split, labels, f0000, f0001, ...

    Images are resized and standardised as in pretraining. A folder of pictures, of NIfTI volumes or
    of DICOM series is read with the defaults of its source; say a source to choose otherwise.

    Example: pixvox embed runs/scans/weights image_folder:scans --out scans.csv

    Example: pixvox embed runs/ct/weights nifti:ct,modality=ct --out ct.parquet --batch 16

    Example: pixvox embed runs/scans/weights nifti:mr --slices --out mr.csv
    """
    import sys

    import pixvox_zoo
    from pixvox_registry.artifacts import canonical_json
    from pixvox_zoo.embedding import embed as run
    from pixvox_zoo.plain_path import source_at

    pretrained = pixvox_zoo.load(weights)
    facts = pretrained.card["facts"]
    dims = 3 if slices else facts["dims"]
    there = source_at(source, dims, facts["in_channels"])
    if there.name != source:
        say(f"reading {there.name}")
    told = run(
        pretrained,
        there,
        out,
        split=split,
        slices=slices,
        batch=batch,
        device=device,
        quiet=quiet,
    )
    if json:
        sys.stdout.write(canonical_json(told).decode())
    rows = ", ".join(f"{count:,} {name}" for name, count in told["rows"].items())
    say(f"{out}: {told['features']} features of {rows}.")
