"""Exits to MONAI: images and volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from pixvox_registry.errors import UserError
from pixvox_zoo.exits.foreign import MASK_TOKEN, Call, Foreign, Line

STAGES = 4  # of MONAI's swin, whose forward names them
LEAST = 3  # stages of a DynUNet
FIRST_OF_TWO = Line(
    "pooled = model(images)[0].mean(1)", lambda model, part, images: model(images)[0].mean(1)
)
LAST_MAP = Line(
    "pooled = model(images)[-1].flatten(2).mean(2)",
    lambda model, part, images: model(images)[-1].flatten(2).mean(2),
)
ENCODER = Line(
    "# out_channels is yours to choose, and the decoder is untrained\n"
    "encoder = torch.nn.ModuleList([model.input_block, *model.downsamples, model.bottleneck])",
    lambda model: nn.ModuleList([model.input_block, *model.downsamples, model.bottleneck]),
)


def resnet(backbone: Any, said: Mapping[str, Any]) -> Foreign:
    """``nets.ResNet`` without its last layer."""
    theirs = backbone.resnet
    stages = (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4)
    settings = {
        "block": "bottleneck" if hasattr(theirs.layer1[0], "conv3") else "basic",
        "layers": [len(stage) for stage in stages],
        "block_inplanes": [len(stage[0].conv1.weight) for stage in stages],
        "spatial_dims": said["dims"],
        "n_input_channels": said["in_channels"],
        "conv1_t_size": theirs.conv1.weight.shape[-1],
        "conv1_t_stride": backbone.strides[0],
        "no_max_pool": theirs.no_max_pool,
        "shortcut_type": "B",
        "bias_downsample": False,
        "feed_forward": False,
    }
    return Foreign(
        call=Call("monai.networks.nets.ResNet", (), settings), tensors=theirs.state_dict()
    )


def swin(backbone: Any, said: Mapping[str, Any]) -> Foreign:
    """``SwinTransformer``, which is the encoder of ``SwinUNETR``.

    Raises:
        UserError: other than four stages.
    """
    theirs = backbone.swin
    depths = list(said["depths"])
    if len(depths) != STAGES:
        raise UserError(
            f"MONAI's SwinTransformer goes through {STAGES} stages, and this backbone has "
            f"{len(depths)}. Take the exit to onnx."
        )
    settings = {
        "in_chans": said["in_channels"],
        "embed_dim": theirs.embed_dim,
        "window_size": list(theirs.window_size),
        "patch_size": list(theirs.patch_size),
        "depths": depths,
        "num_heads": [said["heads"] * 2**stage for stage in range(STAGES)],
        "spatial_dims": said["dims"],
    }
    return Foreign(
        call=Call("monai.networks.nets.swin_unetr.SwinTransformer", (), settings),
        tensors=theirs.state_dict(),
        reading=LAST_MAP,
        left_out=MASK_TOKEN if said["masking"] == "token" else {},
    )


def unet(backbone: Any, said: Mapping[str, Any]) -> Foreign:
    """The encoder of a ``DynUNet``; its decoder and its ``out_channels`` are the taker's.

    Raises:
        UserError: less stages than a DynUNet has.
    """
    count = len(backbone.channels)
    if count < LEAST:
        raise UserError(
            f"MONAI's DynUNet has {LEAST} stages or more, and this backbone has {count}. Take the "
            "exit to onnx."
        )
    settings = {
        "spatial_dims": said["dims"],
        "in_channels": said["in_channels"],
        "out_channels": 2,
        "kernel_size": [3] * count,
        "strides": [1] + [2] * (count - 1),
        "upsample_kernel_size": [2] * (count - 1),
        "filters": list(backbone.channels),
    }
    return Foreign(
        call=Call("monai.networks.nets.DynUNet", (), settings),
        part=ENCODER,
        tensors=backbone.stages.state_dict(),
        reading=Line(
            "pooled = images\n"
            "for stage in encoder:\n"
            "    pooled = stage(pooled)\n"
            "pooled = pooled.flatten(2).mean(2)",
            lambda model, part, images: nn.Sequential(*part)(images).flatten(2).mean(2),
        ),
    )


def vit(backbone: Any, said: Mapping[str, Any]) -> Foreign:
    """``nets.ViT``; the norms of its blocks are given the smaller epsilon of ours."""
    blocks = backbone.blocks
    width = backbone.num_features
    settings = {
        "in_channels": said["in_channels"],
        "img_size": [said["image_size"]] * said["dims"],
        "patch_size": [backbone.patch] * said["dims"],
        "hidden_size": width,
        "mlp_dim": blocks[0].mlp.fc1.out_features,
        "num_layers": len(blocks),
        "num_heads": width // said["head_width"],
        "spatial_dims": said["dims"],
        "qkv_bias": True,
    }
    call = Call("monai.networks.nets.ViT", (), settings)
    tensors = _tensors_of_vit(backbone.state_dict())
    idle = {  # of attention to another stream, which no block here has
        name: tensor for name, tensor in call().state_dict().items() if "norm_cross_attn" in name
    }
    eps = blocks[0].norm1.eps

    def settle(model: Any) -> None:
        for block in model.blocks:
            block.norm1.eps = block.norm2.eps = eps

    return Foreign(
        call=call,
        changes=(
            Line(
                f"for block in model.blocks:\n    block.norm1.eps = block.norm2.eps = {eps!r}",
                settle,
            ),
        ),
        tensors={**tensors, **idle},
        reading=FIRST_OF_TWO,
        left_out=MASK_TOKEN if said["masking"] == "token" else {},
    )


def _tensors_of_vit(ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    parts = {
        "embed.": "patch_embedding.patch_embeddings.",
        ".attn.proj.": ".attn.out_proj.",
        ".mlp.fc1.": ".mlp.linear1.",
        ".mlp.fc2.": ".mlp.linear2.",
    }
    tensors = {"patch_embedding.position_embeddings": ours["positions"][None]}
    for name, tensor in ours.items():
        if name in ("positions", "token"):
            continue
        for mine, theirs in parts.items():
            name = name.replace(mine, theirs)
        tensors[name] = tensor
    return tensors
