"""The exit to ONNX: a graph of any backbone, run by onnxruntime before anyone gets it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from pixvox_registry.artifacts import canonical_json
from pixvox_registry.contracts import Pretrained
from pixvox_registry.errors import UserError
from pixvox_registry.unwarned import unwarned
from pixvox_zoo.exits.foreign import difference
from pixvox_zoo.fitting import golden_input
from pixvox_zoo.torchvision_mend import mend

TOLERANCE = 1e-4
MOST = 1 << 31  # bytes of a graph with its tensors
NEEDED = ("onnx", "onnxscript", "onnxruntime")


class Outputs(nn.Module):
    """A backbone whose features are a tuple, which is what a graph can give."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """``[B, C, *S] -> pooled [B, D], maps``."""
        features = self.backbone(images)
        return (features.pooled, *features.maps)


def graph_of(pretrained: Pretrained, about: dict[str, Any]) -> tuple[bytes, float]:
    """The graph, and how far its pooled features are from the backbone's.

    Its input ``images [B, C, *S]`` is standardised, of any B; its outputs are ``pooled`` and
    ``map_0``, ``map_1``, ..., fine to coarse.

    Args:
        about: noted in the graph, each value as JSON.

    Raises:
        UserError: the libraries are not installed, or onnxruntime gives other features.
    """
    modules = _libraries()
    images = golden_input(pretrained.card)
    with torch.inference_mode():
        features = pretrained.backbone(images)
    names = ["pooled", *(f"map_{level}" for level in range(len(features.maps)))]
    mend()  # the exporter imports torchvision
    with torch.no_grad(), unwarned():
        program: Any = torch.onnx.export(
            Outputs(pretrained.backbone),
            (images,),
            dynamo=True,
            input_names=["images"],
            output_names=names,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            verbose=False,
        )
        model = program.model_proto
    if model.ByteSize() >= MOST:
        raise UserError(
            f"An ONNX file holds 2 GiB, and this backbone makes {model.ByteSize() >> 20:,} MiB. "
            "Take another exit."
        )
    spelt = {key: canonical_json(value).decode().strip() for key, value in about.items()}
    modules["onnx"].helper.set_model_props(model, spelt)
    data: bytes = model.SerializeToString(deterministic=True)
    there = _run(modules["onnxruntime"], data, torch.cat([images, images[:1]]))
    here = torch.cat([features.pooled, features.pooled[:1]])
    return data, difference(here, there, TOLERANCE, "onnxruntime")


def _run(onnxruntime: Any, data: bytes, images: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (pooled,) = session.run(["pooled"], {"images": images.numpy()})
    return torch.from_numpy(pooled)


def _libraries() -> dict[str, Any]:
    try:
        return {name: import_module(name) for name in NEEDED}
    except ModuleNotFoundError as error:
        raise UserError(
            f"The exit to onnx needs {', '.join(NEEDED)}, and {error.name} is not installed: "
            'pip install "pixvox[export]".'
        ) from None
