"""``pixvox data verify``: DICOM series, each fault planted for real."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from pixvox_registry.faults.verify import verify

DATA = Path(os.environ.get("PIXVOX_DATA", "/nowhere"))


def found(path: Path) -> set[tuple[str, str]]:
    """Codes with the file at fault."""
    return {(finding.code, finding.files[0]) for finding in verify(path, quiet=True).findings}


def write_slice(file: Path, number: int, **changes: Any) -> None:
    """One of a series along an oblique normal, 2.5 mm apart."""
    header = pydicom.Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = CTImageStorage
    uid = f"1.2.3.{number + 1}"
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = uid
    header.SeriesInstanceUID, header.Modality = "1.2.3", "CT"
    header.ImageOrientationPatient = [1, 0, 0, 0, 0.8, 0.6]
    header.ImagePositionPatient = [0, -0.6 * 2.5 * number, 0.8 * 2.5 * number]
    header.PixelSpacing = [0.5, 0.5]
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation = 15, 1
    pixels = changes.pop("pixels", np.random.default_rng(number).integers(-99, 99, (6, 5)))
    header.Rows, header.Columns = pixels.shape
    header.PixelData = pixels.astype(np.int16).tobytes()
    for name, value in changes.items():
        if value is None:
            delattr(header, name)
        else:
            setattr(header, name, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    header.save_as(file, enforce_file_format=True)


@pytest.fixture
def series(tmp_path: Path) -> Path:
    for number in range(6):  # names run against positions, and have no suffix
        write_slice(tmp_path / "scan" / f"IM{9 - number}", number)
    return tmp_path


def moved(file: Path, along_mm: float, across_mm: float = 0.0) -> None:
    header = pydicom.dcmread(file)
    x, y, z = header.ImagePositionPatient
    header.ImagePositionPatient = [x + across_mm, y - 0.6 * along_mm, z + 0.8 * along_mm]
    header.save_as(file)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-10])


SERIES: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "text": ("unreadable", lambda file: file.with_name("x.dcm").write_text("none")),
    "another series": ("mixed-series", lambda file: write_slice(file, 3, SeriesInstanceUID="1.9")),
    "a slice is gone": ("missing-slice", lambda file: file.unlink()),
    "a slice twice": ("duplicate-slice", lambda file: write_slice(file.with_name("IM99"), 3)),
    "another place": ("uneven-slices", lambda file: moved(file, 0.3)),
    "another size": (
        "shape-mismatch",
        lambda file: write_slice(file, 3, pixels=np.eye(7, 5)),
    ),
    "another spacing": (
        "spacing-mismatch",
        lambda file: write_slice(file, 3, PixelSpacing=[0.5, 0.6]),
    ),
    "another angle": (
        "orientation-mismatch",
        lambda file: write_slice(file, 3, ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    ),
    "no place": ("no-position", lambda file: write_slice(file, 3, ImagePositionPatient=None)),
    "pixels are cut": ("truncated", cut),
    "odd bits": (
        "unreadable",
        lambda file: write_slice(file, 3, BitsAllocated=13),
    ),
}


@pytest.mark.parametrize("what", SERIES)
def test_a_planted_fault_of_a_series_is_found(series: Path, what: str) -> None:
    assert found(series) == set()
    code, plant = SERIES[what]
    plant(series / "scan" / "IM6")
    codes = {code for code, _ in found(series)}
    assert code in codes
    follows = {"truncated": {"missing-slice"}, "mixed-series": {"missing-slice"}}
    assert codes <= {code, "missing-slice"} | follows.get(code, set())


def test_a_series_that_leans_is_a_warning(series: Path) -> None:
    for number in range(6):
        moved(series / "scan" / f"IM{9 - number}", 0.0, across_mm=0.25 * number)
    (finding,) = verify(series, quiet=True).findings
    assert (finding.code, finding.severity) == ("sheared-affine", "warning")
    angle = 90 - np.degrees(np.arctan(0.1))
    assert f"{angle:.2f} degrees" in finding.text


def test_a_series_that_was_copied_backwards_is_a_duplicate(series: Path) -> None:
    for number in range(6):
        pixels = np.random.default_rng(5 - number).integers(-99, 99, (6, 5))[::-1]
        settings = {"SeriesInstanceUID": "1.7", "RescaleSlope": 2, "RescaleIntercept": -9}
        write_slice(series / "copy" / f"{number}.dcm", number, pixels=pixels, **settings)
    assert found(series) == {("duplicate-case", "copy")}


@pytest.mark.skipif(not (DATA / "io_dicom").is_dir(), reason="PIXVOX_DATA lacks it")
def test_real_series_are_sound_and_odd_files_are_told() -> None:
    assert found(DATA / "io_dicom" / "torchio_series") == set()
    assert found(DATA / "io_dicom" / "studyforrest_t1_slab") == set()
    codes = {code for code, _ in found(DATA / "io_dicom" / "single")}
    assert {"mixed-series", "duplicate-case"} <= codes <= {
        "mixed-series", "duplicate-case", "no-decoder"
    }  # fmt: skip
