"""Exits to timm: images alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from pixvox_registry.errors import UserError
from pixvox_zoo.exits.foreign import MASK_TOKEN, Call, Foreign, Line
from pixvox_zoo.torchvision_mend import mend

PLAIN = 64  # channels that timm's plain stem has, whatever is asked for
UNPOOLED = Line(
    "model.maxpool = torch.nn.Identity()",
    lambda model: setattr(model, "maxpool", nn.Identity()),
)


def resnet(backbone: Any, said: Mapping[str, Any]) -> Foreign:
    """``resnet18`` and its kin; a stem that timm does not have is put in by a line more.

    Raises:
        UserError: a width that leaves an odd number of channels.
    """
    theirs = backbone.resnet
    planes, channels, kernel, _ = theirs.conv1.weight.shape
    unpooled = theirs.no_max_pool
    settings: dict[str, Any] = {"in_chans": channels, "num_classes": 0}
    changes = []
    if planes != PLAIN:
        if planes % 2:
            raise UserError(
                f"timm counts the channels of a narrow or wide stem in pairs, and this ResNet has "
                f"{planes}. Take the exit to monai."
            )
        stages = (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4)
        settings["channels"] = tuple(len(stage[0].conv1.weight) for stage in stages)
        settings |= {"stem_type": "deep", "stem_width": planes // 2}  # of three convolutions
    if planes != PLAIN or unpooled:
        changes.append(_stem(channels, planes, kernel, backbone.strides[0]))
    if unpooled:
        changes.append(UNPOOLED)
    return Foreign(
        call=_create(f"resnet{said['depth']}", settings),
        changes=tuple(changes),
        tensors=theirs.state_dict(),
    )


def vit(backbone: Any, said: Mapping[str, Any]) -> Foreign:
    """A ``VisionTransformer`` without class token, whose pooled vector is the mean."""
    settings = {
        "img_size": said["image_size"],
        "patch_size": backbone.patch,
        "in_chans": said["in_channels"],
        "embed_dim": backbone.num_features,
        "depth": len(backbone.blocks),
        "num_heads": backbone.num_features // said["head_width"],
        "class_token": False,
        "global_pool": "avg",
        "fc_norm": False,
        "num_classes": 0,
    }
    tensors = {
        {
            "embed.weight": "patch_embed.proj.weight",
            "embed.bias": "patch_embed.proj.bias",
            "positions": "pos_embed",
        }.get(name, name): tensor[None] if name == "positions" else tensor
        for name, tensor in backbone.state_dict().items()
        if name != "token"
    }
    eps = backbone.norm.eps
    return Foreign(
        call=_create("vit_base_patch16_224", settings),
        changes=(Line(f"model.norm.eps = {eps!r}", lambda model: setattr(model.norm, "eps", eps)),),
        tensors=tensors,
        left_out=MASK_TOKEN if said["masking"] == "token" else {},
    )


def timm(backbone: Any, said: Mapping[str, Any]) -> Foreign:
    """The architecture itself."""
    fixed = backbone.model.pretrained_cfg.get("fixed_input_size", False)
    settings = {
        **({"img_size": said["image_size"]} if fixed else {}),
        "in_chans": said["in_channels"],
        "num_classes": 0,
    }
    return Foreign(
        call=_create(backbone.architecture, settings), tensors=backbone.model.state_dict()
    )


def _create(name: str, settings: Mapping[str, Any]) -> Call:
    mend()
    return Call("timm.create_model", (name,), settings)


def _stem(channels: int, planes: int, kernel: int, stride: int) -> Line:
    """Puts such a first convolution into the model."""
    padding = kernel // 2

    def put(model: nn.Module) -> None:
        model.conv1 = nn.Conv2d(channels, planes, kernel, stride, padding, bias=False)

    said = f"{channels}, {planes}, {kernel}, {stride}, {padding}"
    return Line(f"model.conv1 = torch.nn.Conv2d({said}, bias=False)", put)
