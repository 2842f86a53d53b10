"""An image file of any common kind as bytes, or as a mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pixvox_registry.errors import UserError, unknown

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})


def read_picture(file: Path, *, channels: int, size: int | None) -> NDArray[np.uint8]:
    """``[C, size, size]``: upright, the shorter side at ``size``, the longer one cut at both ends.

    Without a size the picture stays as it is, ``[C, H, W]``.

    Colour becomes luminance where one channel is wanted, grey is repeated where three are.
    Greyscale of more than 8 bits is stretched from its own lowest to its own highest value, since
    files seldom say which of their 16 bits they use.

    Raises:
        ValueError: the file holds several frames, or NaN. Pillow raises much else.
    """
    with Image.open(file) as opened:
        frames = getattr(opened, "n_frames", 1)
        if frames > 1:
            raise ValueError(f"it holds {frames} frames, one is wanted")
        upright = ImageOps.exif_transpose(opened)
        if upright.mode.startswith(("I", "F")):
            square = _square(Image.fromarray(np.asarray(upright).astype(np.float32)), size)
            image = Image.fromarray(_stretched(np.asarray(square)))
        else:
            flat = upright.convert("RGBA") if "transparency" in upright.info else upright
            image = _square(flat.convert("RGB" if channels == 3 else "L"), size)
    pixels: NDArray[np.uint8] = np.asarray(image.convert("RGB" if channels == 3 else "L"))
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def read_mask_picture(file: Path, *, labels: str) -> NDArray[np.uint8]:
    """``[1, H, W]``: with ``binary`` 1 wherever it is not 0, with ``values`` as it is stored.

    Raises:
        UserError: another kind of labels, or values that are no labels from 0 to 255.
    """
    if labels not in ("binary", "values"):
        raise unknown("kind of labels", labels, ("binary", "values"))
    with Image.open(file) as opened:
        upright = ImageOps.exif_transpose(opened)
        held = np.asarray(upright.convert("RGB") if upright.mode == "P" else upright)
    if held.ndim == 3:
        held = held[..., :3].max(-1)
    if labels == "binary":
        held = held != 0
    elif held.min() < 0 or held.max() > 255 or (held != np.rint(held)).any():
        raise UserError("it holds other values than labels from 0 to 255")
    whole: NDArray[np.uint8] = held.astype(np.uint8)[None]
    return whole


def _square(image: Image.Image, size: int | None) -> Image.Image:
    if size is None:
        return image
    return ImageOps.fit(image, (size, size), method=Image.Resampling.BILINEAR)


def _stretched(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise ValueError("it holds NaN or infinite values")
    scale = 255 / (high - low) if high > low else 0.0
    stretched: NDArray[np.uint8] = np.rint((values - low) * scale).astype(np.uint8)
    return stretched
