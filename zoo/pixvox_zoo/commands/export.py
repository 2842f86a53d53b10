"""``pixvox export``: weights as a model of timm or MONAI, or as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say


@COMMANDS.register
def export(
    weights: Annotated[
        str, typer.Argument(help="A folder of weights, an installed name, or hf://owner/name.")
    ],
    to: Annotated[str, typer.Option(help="timm, monai or onnx.")],
    out: Annotated[
        Path, typer.Option(help="The file: .safetensors, or .onnx; FILE.json is written beside it.")
    ],
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Write a backbone as a file that others load without PixVox, and print the lines to load it.

    The file is written once the model that is rebuilt from it gives the backbone's own features: to
    1e-5 in timm and MONAI, to 1e-4 in onnxruntime. Its input is standardised; the lines show how.

    Example: pixvox export runs/scans/weights --to timm --out scans.safetensors

    Example: pixvox export runs/volumes/weights --to monai --out volumes.safetensors

    Example: pixvox export runs/scans/weights --to onnx --out scans.onnx
    """
    import sys

    import pixvox_zoo
    from pixvox_registry.artifacts import canonical_json
    from pixvox_zoo.exits.publishing import beside
    from pixvox_zoo.exits.publishing import export as run

    told = run(pixvox_zoo.load(weights), to, out)
    if json:
        sys.stdout.write(canonical_json(told).decode())
    else:
        print("\n".join(told["code"]))
    for name, why in told["left_out"].items():
        say(f"left out: {name}, which {why}")
    say(f"{out} and {beside(out)}: within {told['largest_difference']:.0e} of the backbone.")
