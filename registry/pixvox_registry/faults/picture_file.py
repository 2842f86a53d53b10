"""A picture file, decoded whole; its end is looked for, since decoders forgive a cut."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pixvox_registry.faults.content import TRUNCATED, UNREADABLE, Content
from pixvox_registry.faults.finding import Unsound, error

ENDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}

FRAMES = error(
    "many-frames",
    "a file of several frames or pages where one picture is due",
    "Write each frame to its own file.",
)
LOSSY = error(
    "lossy-label",
    "a label map is stored as JPEG, which changes values along every edge",
    "Get the original map; thresholding this one moves its edges.",
)


def read_picture_file(root: Path, file: str, *, label: bool = False) -> Content:
    """Upright; ``[H, W]`` where colours are equal, else ``[H, W, 3]``; a palette is of labels.

    Raises:
        Unsound: it cannot be decoded, ends early or holds several frames.
    """
    content = (root / file).read_bytes()
    try:
        with Image.open(BytesIO(content)) as opened:
            frames, kind = getattr(opened, "n_frames", 1), opened.format or ""
            if frames > 1:
                raise Unsound(FRAMES.at(file, f"it holds {frames} frames"))
            pixels = _pixels(ImageOps.exif_transpose(opened), label=label)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        said = str(fault)
        cut = "truncated" in said.lower()
        raise Unsound((TRUNCATED if cut else UNREADABLE).at(file, _plain(said))) from None
    if kind in ENDS and ENDS[kind] not in content[len(content) // 2 :]:
        raise Unsound(TRUNCATED.at(file, f"the {kind} of {len(content):,} bytes has no end"))
    lossy = [LOSSY.at(file, "a label map as JPEG")] if label and kind == "JPEG" else []
    return Content(file=file, stored=pixels, dims=2, findings=tuple(lossy))


def _pixels(image: Image.Image, *, label: bool) -> NDArray[Any]:
    if image.mode not in ("1", "L", "F", "P", "RGB") and not image.mode.startswith("I"):
        image = image.convert("L" if image.mode == "LA" else "RGB")
    if image.mode == "P" and not label:
        image = image.convert("RGB")
    pixels: NDArray[Any] = np.asarray(image)
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        return pixels[..., 0]
    return pixels


def _plain(said: str) -> str:
    """Pillow names the stream that it was given, which changes from run to run."""
    return "no picture that Pillow knows" if "cannot identify" in said else said
