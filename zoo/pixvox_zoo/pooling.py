"""Pooled features of images from a frozen backbone, some images at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from pixvox_registry.contracts import Pretrained
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.intensity import Intensity
from pixvox_registry.resizing import resized
from pixvox_registry.stored import Images

AT_ONCE = 256  # images per forward pass, as probes see them
DEVICES = ("auto", "cpu", "cuda")


def pooled_of(
    pretrained: Pretrained,
    images: Images,
    intensity: Intensity,
    *,
    batch: int = AT_ONCE,
    device: torch.device,
) -> Iterator[Tensor]:
    """``[N, C, *S]`` as stored ``-> [batch, D]`` float32 on the CPU, until all rows are done.

    Each batch is read, brought to the backbone's own size and standardised when its turn comes.

    Raises:
        UserError: the backbone pools nothing.
    """
    backbone = pretrained.backbone.eval().to(device)
    for piece in images.split(batch):
        if set(piece.shape[2:]) != {pretrained.image_size}:
            piece = resized(piece, pretrained.image_size)[:]
        exact = torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False)
        with torch.inference_mode(), exact:
            pooled = backbone(intensity.standardise(piece.to(device))).pooled
        if pooled is None:
            raise UserError("The backbone pools nothing, and a vector per image was asked for.")
        yield pooled.float().cpu()


def device_of(name: str) -> torch.device:
    """The device of that name; ``auto`` is CUDA where it is here.

    Raises:
        UserError: another name, or a device that is not here.
    """
    if name not in DEVICES:
        raise unknown("device", name, DEVICES)
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UserError("Device 'cuda' was asked for, and there is none here. Take cpu, or auto.")
    return torch.device("cuda" if there and name != "cpu" else "cpu")
