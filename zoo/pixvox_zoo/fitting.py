"""Tensors for a backbone: strictly fitted, finite, and giving the output that their maker saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pixvox_registry.draws import generator
from pixvox_registry.errors import UserError

GOLDEN_TOLERANCE = 1e-5  # across machines and torch versions; the same environment gives equal bits
ROUNDING = 1e-2  # of the largest feature, by which numbers stored as float16 may change it

REMEDY = (
    "The card names another backbone or other settings than the tensors are of: fetch the weights "
    "again, or name in `partial` what may differ."
)


def fit(
    backbone: nn.Module,
    tensors: Mapping[str, Tensor],
    where: str,
    partial: Collection[str] = (),
    *,
    remedy: str = REMEDY,
) -> dict[str, list[str]]:
    """Load tensors strictly; the names of those ``loaded``, ``missing`` and ``unexpected``.

    Args:
        partial: beginnings of names that may be missing, unexpected or reshaped.
        remedy: what to do about tensors that do not fit.

    Raises:
        UserError: lists every missing, unexpected and reshaped key, or a beginning that no name
            has.
    """
    own = backbone.state_dict()
    for beginning in partial:
        if not any(name.startswith(beginning) for name in own.keys() | tensors.keys()):
            raise UserError(f"No key of {where} begins with {beginning!r}, which may be missing.")
    reshaped = [n for n in own.keys() & tensors.keys() if own[n].shape != tensors[n].shape]
    found = {
        "loaded": sorted(own.keys() & tensors.keys() - set(reshaped)),
        "missing": sorted({*own.keys() - tensors.keys(), *reshaped}),
        "unexpected": sorted({*tensors.keys() - own.keys(), *reshaped}),
    }
    faults = {name: f"missing {name}" for name in own.keys() - tensors.keys()}
    faults |= {name: f"unexpected {name}" for name in tensors.keys() - own.keys()}
    faults |= {
        name: f"reshaped {name} ({list(tensors[name].shape)} for {list(own[name].shape)})"
        for name in reshaped
    }
    allowed = tuple(partial)
    told = sorted(fault for name, fault in faults.items() if not name.startswith(allowed))
    if told:
        raise UserError(f"{where} does not fit what is built: {'; '.join(told)}. {remedy}")
    backbone.load_state_dict({name: tensors[name] for name in found["loaded"]}, strict=not allowed)
    return found


def check_golden(folder: Path, backbone: nn.Module) -> None:
    """Refuse a backbone that does not give the output its maker saw."""
    golden = tensors_in(folder, "golden")
    try:
        with torch.inference_mode():
            output = backbone(golden["input"]).pooled
        difference = excess(golden["output"], output, GOLDEN_TOLERANCE)
    except (KeyError, RuntimeError) as error:
        raise UserError(f"{folder} has a golden pair of another kind: {error}") from None
    if difference:
        raise UserError(f"{folder} gives another output than its golden one (by {difference:.1e}).")


def excess(expected: Tensor, came: Tensor, share: float) -> float:
    """The largest difference, NaN too; 0 if it is within a share of the largest value, or of 1."""
    difference = float((expected - came).abs().max())
    within = difference <= share * max(1.0, float(expected.abs().max()))
    return 0.0 if within else difference


def golden_input(card: Mapping[str, Any]) -> Tensor:
    """Two standardised images of noise: ``[2, C, *S]``."""
    facts = card["facts"]
    shape = (2, facts["in_channels"], *[card["image_size"]] * facts["dims"])
    return torch.randn(shape, generator=generator(0, "golden"))


def tensors_in(folder: Path, name: str) -> dict[str, Tensor]:
    """What ``NAME.safetensors`` holds.

    Raises:
        UserError: it is no such file.
    """
    try:
        return load_file(folder / f"{name}.safetensors")
    except (OSError, SafetensorError) as error:
        raise UserError(f"{folder / name}.safetensors cannot be read: {error}.") from None


def rounded(backbone: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The tensors as float16, which the backbone then has as well.

    Raises:
        UserError: its features are others then.
    """
    with torch.inference_mode():
        before = backbone(images).pooled
        own = backbone.state_dict()
        tensors = {n: t.half() if t.is_floating_point() else t.clone() for n, t in own.items()}
        backbone.load_state_dict(tensors)
        difference = excess(before, backbone(images).pooled, ROUNDING)
    if difference:
        raise UserError(
            f"As float16 these weights give other features, by {difference:.1e}. Store them whole."
        )
    return tensors


def check_finite(tensors: Mapping[str, Tensor], name: str) -> None:
    """Refuse NaN and infinity."""
    if bad := sorted(key for key, tensor in tensors.items() if not tensor.isfinite().all()):
        raise UserError(f"{name} holds NaN or infinity in {', '.join(bad[:5])}; not published.")
