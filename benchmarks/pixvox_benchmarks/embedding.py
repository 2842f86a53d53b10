"""Pooled features of cases from a frozen backbone: what every probe sees."""

from __future__ import annotations

import torch
from torch import Tensor

from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Pretrained
from pixvox_registry.errors import UserError
from pixvox_registry.measuring import Split

AT_ONCE = 256  # cases per forward pass; part of what decides the last bits, so not a setting


def embed(pretrained: Pretrained, cases: Cases, target: Tensor) -> Split:
    """``features [N, D]`` on the CPU, by the backbone's own size and intensity, beside ``target``.

    Black and white of the cases become those of the pretraining data.

    Raises:
        UserError: the backbone takes other channels, pools nothing, or gives NaN.
    """
    wanted = len(pretrained.intensity.mean)
    if wanted != cases.in_channels:
        raise UserError(
            f"The backbone was made for {wanted} channels; these cases have {cases.in_channels}."
        )
    intensity = pretrained.intensity.in_units_of(cases)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backbone = pretrained.backbone.eval().to(device)
    pieces = []
    exact = torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False)
    with torch.inference_mode(), exact:
        for images in cases.resized(pretrained.image_size).images.split(AT_ONCE):
            pooled = backbone(intensity.standardise(images.to(device))).pooled
            if pooled is None:
                raise UserError("The backbone pools nothing, and probes need a vector per case.")
            pieces.append(pooled.float().cpu())  # [B, D]
    features = torch.cat(pieces)  # outside of inference mode: a probe may differentiate
    _refuse_non_finite(features, cases)
    return Split(features=features, target=target)


def _refuse_non_finite(features: Tensor, cases: Cases) -> None:
    bad = (~features.isfinite().all(dim=1)).nonzero().flatten().tolist()
    if bad:
        named = ", ".join(cases.ids[row] for row in bad[:5])
        raise UserError(
            f"The backbone gives NaN or infinity for {len(bad)} of {len(cases)} cases ({named}); "
            "its weights are not usable."
        )
