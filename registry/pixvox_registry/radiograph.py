"""A DICOM file of one greyscale picture, as X-ray and mammography have it, in bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pixvox_registry.errors import UserError
from pixvox_registry.faults.dicom_file import read_slice
from pixvox_registry.faults.finding import Unsound

GREY = ("MONOCHROME1", "MONOCHROME2")  # 1: the lowest value is white
Floats = NDArray[np.float64]
STEEPNESS = 4  # of the sigmoid, PS3.3 C.11.2.1.3.1


def read_radiograph(file: Path, *, channels: int = 1, size: int | None = None) -> NDArray[np.uint8]:
    """``[C, size, size]``, cut as :func:`~pixvox_registry.picture.read_picture` does.

    Without a size it stays as it is, ``[C, H, W]``. The file's own window becomes black to white;
    without one, its lowest to its highest value. Bright is dense.

    Raises:
        UserError: it cannot be read, is in colour, or holds several frames.
    """
    try:
        read = read_slice(file.parent, file.name)
    except Unsound as unsound:
        raise UserError(unsound.finding.text) from None
    kind = str(read.header.get("PhotometricInterpretation", "unknown"))
    if read.pixels.ndim != 2 or kind not in GREY:
        raise UserError(
            f"it holds {' x '.join(map(str, read.pixels.shape))} values of {kind}; one greyscale "
            "picture is wanted"
        )
    if not np.isfinite(read.pixels).all():
        raise UserError("it holds NaN or infinity")
    shown = grey_levels(read.pixels, read.header)
    whole = np.rint((1 - shown if kind == "MONOCHROME1" else shown) * 255).astype(np.uint8)
    if size is not None:
        square = Image.fromarray(whole)
        whole = np.asarray(ImageOps.fit(square, (size, size), method=Image.Resampling.BILINEAR))
    return np.repeat(whole[None], channels, axis=0)


def grey_levels(pixels: NDArray[Any], header: Any) -> Floats:
    """``[H, W]`` real values to 0 .. 1 by the table or window of the header (PS3.3 C.11.2)."""
    values = pixels.astype(np.float64)
    if header.get("VOILUTSequence"):
        return _looked_up(values, header.VOILUTSequence[0])
    centre, width = (_first(header.get(name)) for name in ("WindowCenter", "WindowWidth"))
    function = str(header.get("VOILUTFunction") or "LINEAR")
    if centre is None or width is None or width < 1:
        centre, width, function = _extremes(values)
    if function == "SIGMOID":
        shown: Floats = 1 / (1 + np.exp(-STEEPNESS * (values - centre) / width))
        return shown
    if function == "LINEAR":
        centre, width = centre - 0.5, max(width - 1, np.finfo(np.float64).tiny)
    clipped: Floats = ((values - centre) / width + 0.5).clip(0, 1)
    return clipped


def _looked_up(values: Floats, table: Any) -> Floats:
    """By the table of the header; pydicom 3.0 counts its places in 8 bits where entries have 8."""
    entries, lowest, bits = (int(number) for number in table.LUTDescriptor)
    held = table.LUTData
    if isinstance(held, bytes):
        wide = len(held) >= 2 * (entries or 1 << 16)
        held = np.frombuffer(held, np.uint16 if wide else np.uint8)
    levels = np.asarray(held, np.float64)[: entries or 1 << 16]
    place = (np.rint(values) - lowest).clip(0, len(levels) - 1).astype(np.int64)
    shown: Floats = levels[place] / (2**bits - 1)
    return shown


def _extremes(values: NDArray[np.float64]) -> tuple[float, float, str]:
    """The window from lowest to highest; all of a constant picture is grey."""
    low, high = float(values.min()), float(values.max())
    return (low + high) / 2, (high - low) or 1.0, "LINEAR_EXACT"


def _first(said: Any) -> float | None:
    """Of several windows the first one."""
    if said is None or said == "":
        return None
    try:
        return float(said)
    except TypeError:
        return float(said[0]) if len(said) else None
