"""DICOM files as a scanner or an X-ray detector writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian


def write(file: Path, pixels: np.ndarray, **fields: Any) -> Dataset:
    """One file of int16 or uint16; a field of None is left out."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = CTImageStorage
    uid = f"1.2.826.{abs(hash(str(file))) % 10**12}"
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = uid
    header.SeriesInstanceUID, header.Modality, header.PatientID = "1.2.3", "CT", "P1"
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation = 15, int(pixels.dtype.kind == "i")
    header.Rows, header.Columns = pixels.shape[-2:]
    header.PixelData = pixels.astype(f"{pixels.dtype.kind}2").tobytes()
    for name, value in fields.items():
        if value is not None:
            setattr(header, name, value)
        elif name in header:
            delattr(header, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    header.save_as(file, enforce_file_format=True)
    return header


def stored(seed: int = 0, sides: tuple[int, int, int] = (6, 7, 8)) -> np.ndarray:
    """``[slice, row, column]`` as a scanner counts, from 0 to 4000."""
    return np.random.default_rng(seed).integers(0, 4000, sides).astype(np.uint16)
