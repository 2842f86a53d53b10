"""A DICOM file: its header and its pixels in real values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError

from pixvox_registry.faults.content import TRUNCATED, UNREADABLE
from pixvox_registry.faults.finding import Unsound, warning
from pixvox_registry.faults.layout import STRAY

PICTURES = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

NO_DECODER = warning(
    "no-decoder",
    "a DICOM file is compressed in a way that nothing installed here can read",
    "pip install 'pixvox[dicom]', then verify again.",
)


@dataclass(frozen=True)
class Slice:
    """One DICOM file: its header and its pixels ``[*S]`` or ``[*S, C]`` in real values."""

    file: str
    header: Any
    pixels: NDArray[Any]

    @property
    def axes(self) -> NDArray[np.float64]:
        """``[3, 3]``: along a row, along a column, and the normal of both; NaN if not known."""
        cosines = self.header.get("ImageOrientationPatient") or [np.nan] * 6
        row, column = np.array(cosines, float).reshape(2, 3)
        return np.stack([row, column, np.cross(row, column)])

    @property
    def position_mm(self) -> NDArray[np.float64]:
        """``[3]``, NaN if not known."""
        return np.array(self.header.get("ImagePositionPatient") or [np.nan] * 3, float)

    @property
    def colours(self) -> int:
        """Samples of a pixel."""
        return int(self.header.get("SamplesPerPixel", 1))

    @property
    def series(self) -> tuple[str, str]:
        """What it belongs to: a file of several frames is a volume of its own."""
        frames = int(self.header.get("NumberOfFrames") or 1)
        return str(self.header.get("SeriesInstanceUID", "")), self.file if frames > 1 else ""


def read_header(root: Path, file: str, *, pixels: bool = False) -> Any:
    """
    Raises:
        Unsound: it is no DICOM file.
    """
    try:
        return pydicom.dcmread(root / file, stop_before_pixels=not pixels)
    except (InvalidDicomError, OSError, EOFError, ValueError, KeyError, TypeError) as fault:
        raise Unsound(UNREADABLE.at(file, str(fault).split(". ")[0])) from None


def read_slice(root: Path, file: str) -> Slice:
    """
    Raises:
        Unsound: it is no DICOM file, holds no picture, is cut, or nothing here can decode it.
    """
    header = read_header(root, file, pixels=True)
    if not any(name in header for name in PICTURES):
        raise Unsound(STRAY.at(file, f"it holds no picture ({header.get('Modality', 'unknown')})"))
    try:
        pixels = header.pixel_array
    except (RuntimeError, NotImplementedError) as fault:
        raise Unsound(NO_DECODER.at(file, str(fault).splitlines()[0])) from None
    except Exception as fault:  # a damaged header leads anywhere
        said = str(fault).splitlines()[0]
        short = "length of the pixel data" in said or "less than" in said
        raise Unsound((TRUNCATED if short else UNREADABLE).at(file, said)) from None
    slope, inter = (
        float(header.get(name, usual) or usual)
        for name, usual in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0))
    )
    plain = (slope, inter) == (1.0, 0.0)
    return Slice(file, header, pixels if plain else pixels * np.float32(slope) + np.float32(inter))
