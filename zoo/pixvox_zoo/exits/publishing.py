"""Publishing an exit: the file, proved, and beside it a JSON that says how to rebuild the model."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from pixvox_registry.artifacts import canonical_json, digest, publish
from pixvox_registry.contracts import Pretrained
from pixvox_registry.errors import UserError
from pixvox_zoo.exits.foreign import TOLERANCE, difference
from pixvox_zoo.exits.onnx import graph_of
from pixvox_zoo.exits.table import ONNX, translated
from pixvox_zoo.fitting import golden_input
from pixvox_zoo.weights import intensity_facts


def export(pretrained: Pretrained, to: str, file: Path) -> dict[str, Any]:
    """Write ``file`` and ``file.json``; returns what the latter says.

    Nothing is written unless the model, rebuilt from what is to be written, gives the backbone's
    pooled features of the golden input: to 1e-5, and by onnxruntime to 1e-4, of the largest feature
    where that is greater than 1.

    Raises:
        UserError: an exit that this backbone does not have, a file whose name ends otherwise, or
            other features.
    """
    suffix = ".onnx" if to == ONNX else ".safetensors"
    if file.suffix != suffix:
        raise UserError(f"What goes to {to} is a {suffix} file; {file} ends otherwise.")
    told = about(pretrained)
    if to == ONNX:
        content, largest = graph_of(pretrained, {**told, "output": "pooled, map_0, map_1, ..."})
        told |= {"code": _code_of_graph(told, file.name), "left_out": {}}
    else:
        foreign = translated(pretrained, to)
        images = golden_input(pretrained.card)
        with torch.inference_mode():
            ours = pretrained.backbone(images).pooled
        apart = {name: tensor.contiguous().clone() for name, tensor in foreign.tensors.items()}
        content = save(apart)
        theirs = replace(foreign, tensors=load(content)).pooled(images)
        largest = difference(ours, theirs, TOLERANCE, f"the model of {to}")
        code = [*foreign.code(file.name), "", *_standardised(told)]
        code += foreign.reading.words.splitlines()
        told |= {"code": code, "left_out": dict(foreign.left_out)}
    packages = ["onnx", "onnxruntime"] if to == ONNX else [to]
    publish(file, content)
    told |= {
        "to": to,
        "largest_difference": largest,
        "made_with": {name: version(name) for name in ("pixvox", "torch", *packages)},
        "sha256": digest(file),
    }
    publish(beside(file), canonical_json(told))
    return told


def beside(file: Path) -> Path:
    """The JSON of an exported file."""
    return file.with_name(f"{file.name}.json")


def about(pretrained: Pretrained) -> dict[str, Any]:
    """What one must know to feed the model."""
    card, scale = pretrained.card, pretrained.intensity
    return {
        "name": card["name"],
        "weights_sha256": pretrained.sha256,
        "dims": card["facts"]["dims"],
        "in_channels": card["facts"]["in_channels"],
        "image_size": pretrained.image_size,
        "intensity": {key: list(said) for key, said in intensity_facts(scale).items()},
        "licence": card.get("licence", "unknown"),
        "trained_on": [
            {name: source.get(name, "unknown") for name in ("dataset", "licence")}
            for source in (card["data"], *card.get("beside", ()))
        ],
    }


def _code_of_graph(told: dict[str, Any], file: str) -> list[str]:
    return [
        "import numpy",
        "import onnxruntime",
        "",
        f"session = onnxruntime.InferenceSession({file!r})",
        "",
        *_standardised(told, "numpy.float32"),
        '(pooled,) = session.run(["pooled"], {"images": images})',
    ]


def _standardised(told: dict[str, Any], kind: str = "torch.tensor") -> list[str]:
    """Lines that bring images in stored units to what the model wants."""
    low, high = told["intensity"]["value_range"]
    channels, shape = told["in_channels"], [told["image_size"]] * told["dims"]
    columns = ", ".join(["-1", *["1"] * told["dims"]])
    mean, std = (told["intensity"][name] for name in ("mean", "std"))
    return [
        f"# images: [B, {channels}, {', '.join(map(str, shape))}], {low:g} is black and {high:g} "
        "is white",
        f"mean = {kind}({mean}).reshape({columns})",
        f"std = {kind}({std}).reshape({columns})",
        "images = (images - mean) / std",
    ]
