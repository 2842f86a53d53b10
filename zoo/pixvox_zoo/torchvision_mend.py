"""Makes ``import torchvision`` work where a CPU torch stands beside a CUDA torchvision.

That torchvision cannot load its compiled operators, yet describes two of them to torch's tracer
while it is being imported, which fails: "operator torchvision::nms does not exist". timm imports
torchvision, so all of timm falls with it. Naming the two operators (detection's, which nothing
here calls) is enough for the import; calling one still says that it has no implementation.
"""

from __future__ import annotations

import importlib
import sys

_SYMPTOM = "operator torchvision::nms does not exist"
_OPERATORS = {
    "torchvision::nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "torchvision::qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def mend() -> None:
    """Import torchvision, mended if it shows this very symptom; any other error is not ours.

    Does nothing where torchvision is already there, whole, or not installed. Call before timm.
    """
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
    except RuntimeError as error:
        if _SYMPTOM not in str(error):
            raise
        import torch

        for operator, schema in _OPERATORS.items():
            torch.library.define(operator, schema)
        _forget_half_import()
        importlib.import_module("torchvision")


def _forget_half_import() -> None:
    """Drop the submodules that the failed import left; a new parent would not find them."""
    for name in [name for name in sys.modules if name.startswith("torchvision.")]:
        del sys.modules[name]
