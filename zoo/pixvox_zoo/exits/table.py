"""Which backbone has which exits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from pixvox_registry import BACKBONES
from pixvox_registry.contracts import Pretrained
from pixvox_registry.errors import UserError, suggestion
from pixvox_zoo.exits import monai, timm
from pixvox_zoo.exits.foreign import Foreign

Translate = Callable[[nn.Module, Mapping[str, Any]], Foreign]

ONNX = "onnx"  # every backbone has it
BOTH = (2, 3)
EXITS: Mapping[str, Mapping[str, tuple[tuple[int, ...], Translate]]] = {
    "resnet": {"timm": ((2,), timm.resnet), "monai": (BOTH, monai.resnet)},
    "swin": {"monai": (BOTH, monai.swin)},
    "timm": {"timm": ((2,), timm.timm)},
    "unet": {"monai": (BOTH, monai.unet)},
    "vit": {"timm": ((2,), timm.vit), "monai": (BOTH, monai.vit)},
}


def exits_of(backbone: str, dims: int) -> list[str]:
    """Names of the exits that a backbone plugin has in these dims, ONNX last."""
    named = _translations(backbone)
    return [*sorted(name for name, (serves, _) in named.items() if dims in serves), ONNX]


def translated(pretrained: Pretrained, to: str) -> Foreign:
    """A backbone as a model of the library ``to``.

    Raises:
        UserError: the backbone has no such exit; says which it has.
    """
    named, facts = pretrained.card["backbone"], pretrained.card["facts"]
    name, dims = named["name"], facts["dims"]
    there = exits_of(name, dims)
    if to not in there or to == ONNX:
        raise UserError(
            f"backbone {name!r} in {dims}D has no exit to {to!r}.{suggestion(to, there)} It has: "
            f"{', '.join(there)}."
        )
    parameters = BACKBONES.names_of_settings(name).values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    _, translate = _translations(name)[to]
    return translate(pretrained.backbone, {**defaults, **facts, **named["settings"]})


def _translations(backbone: str) -> Mapping[str, tuple[tuple[int, ...], Translate]]:
    """Those of the table; a guest brings its own as ``exits`` of its class."""
    brought = getattr(BACKBONES.get(backbone), "exits", {}) if backbone in BACKBONES else {}
    return {**EXITS.get(backbone, {}), **brought}
