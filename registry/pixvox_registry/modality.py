"""Modality: how voxels of a scanner become one scale, whatever they were stored in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.errors import UserError, unknown

MODALITIES = {"mr": (-3.0, 3.0), "ct": (-1.0, 1.0)}  # black and white of each
WINDOW_HU = (-1000.0, 1000.0)  # air to dense bone
CLIPPED = (0.5, 99.5)  # percentiles of what is not background
Floats = NDArray[np.float32]


def kind_of(modality: str) -> str:
    """``mr`` or ``ct`` of a policy, which is written ``mr``, ``ct`` or ``ct:LOW:HIGH``.

    >>> kind_of("ct:-160:240")
    'ct'

    Raises:
        UserError: it is none of these.
    """
    _window_of(modality)
    return modality.partition(":")[0]


def range_of(modality: Sequence[str]) -> tuple[float, float]:
    """Black and white of what :func:`scaled` makes of such channels."""
    return MODALITIES[kind_of(modality[0])]


def scaled(voxels: Floats, modality: Sequence[str]) -> Floats:
    """``[C, *S]``, each channel by its own policy; all have black and white of the first one."""
    low, high = range_of(modality)
    channels = []
    for channel, policy in zip(voxels, modality, strict=True):
        black, white = range_of([policy])
        window = _window_of(policy)
        values = of_mr(channel) if window is None else of_ct(channel, window)
        if (black, white) != (low, high):
            values = low + (values - black) * ((high - low) / (white - black))
        channels.append(values.astype(np.float32, copy=False))
    return np.stack(channels)


def of_mr(voxels: Floats) -> Floats:
    """Mean 0 and standard deviation 1 over the foreground; a constant volume becomes 0."""
    inside = voxels[voxels > voxels.min()]
    if not inside.size:
        return np.zeros_like(voxels)
    low, high = np.percentile(inside, CLIPPED)
    inside = inside.clip(low, high)
    mean, std = float(inside.mean()), max(float(inside.std()), 1e-6)
    values: Floats = ((voxels.clip(low, high) - mean) / std).astype(np.float32)
    return values


def of_ct(voxels: Floats, window: tuple[float, float] = WINDOW_HU) -> Floats:
    """The window of Hounsfield units from -1 to 1."""
    low, high = window
    return ((voxels.clip(low, high) - low) / (high - low) * 2 - 1).astype(np.float32)


def _window_of(modality: str) -> tuple[float, float] | None:
    """Hounsfield units of black and white; None where values are standardised instead."""
    kind, *said = modality.split(":")
    if kind not in MODALITIES:
        raise unknown("modality", modality, MODALITIES)
    if not said:
        return WINDOW_HU if kind == "ct" else None
    try:
        low, high = map(float, said)
    except ValueError:
        low = high = np.nan
    if kind != "ct" or not low < high:
        raise UserError(
            f"A modality is mr, ct, or ct:LOW:HIGH with a window in Hounsfield units, for example "
            f"ct:-160:240; {modality!r} came."
        )
    return low, high
