"""Single DICOM files as pictures: windows, tables of grey levels, colours, and compression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from pixvox_registry.errors import UserError
from pixvox_registry.radiograph import grey_levels, read_radiograph
from pixvox_registry.source_spec import build_source

from .dicom_files import stored, write


def test_pictures_of_a_list_may_be_dicom(tmp_path: Path) -> None:
    write(tmp_path / "x.dcm", stored()[0], **X_RAY)
    (tmp_path / "list.csv").write_text("image,class\nx.dcm,1\n")
    cases = build_source(f"csv:{tmp_path / 'list.csv'},channels=3,image_size=5").cases("train")
    assert cases.images.shape == (1, 3, 5, 5) and cases.images[:].max() > 0


X_RAY = {"Modality": "DX", "ImagePositionPatient": None}


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID", None])
def test_a_picture_is_shown_in_its_own_window(tmp_path: Path, function: str | None) -> None:
    counts = stored()[0]
    fields = {"WindowCenter": [1000, 40], "WindowWidth": [500, 80], "VOILUTFunction": function}
    header = write(tmp_path / "x.dcm", counts, **X_RAY, **fields)
    seen = read_radiograph(tmp_path / "x.dcm")[0]
    for place in np.ndindex(counts.shape):  # PS3.3 C.11.2.1, value by value
        x = float(counts[place])
        if function == "SIGMOID":
            shown = 1 / (1 + np.exp(-4 * (x - 1000) / 500))
        elif function == "LINEAR_EXACT":
            shown = min(max((x - 1000) / 500 + 0.5, 0), 1)
        else:
            shown = min(max((x - 999.5) / 499 + 0.5, 0), 1)
        assert seen[place] == round(255 * shown)
    theirs = pydicom.pixels.apply_voi_lut(counts, pydicom.dcmread(tmp_path / "x.dcm"))
    assert np.allclose(grey_levels(counts, header), theirs / 65535, atol=1e-4)


def test_monochrome1_is_turned_and_no_window_is_the_whole_range(tmp_path: Path) -> None:
    counts = np.arange(12, dtype=np.uint16).reshape(3, 4) * 100
    write(tmp_path / "2.dcm", counts, **X_RAY)
    write(tmp_path / "1.dcm", counts, PhotometricInterpretation="MONOCHROME1", **X_RAY)
    plain, turned = (read_radiograph(tmp_path / f"{k}.dcm")[0] for k in (2, 1))
    assert plain.ravel().tolist() == [round(255 * k / 11) for k in range(12)]
    assert np.array_equal(turned, 255 - plain)


@pytest.mark.parametrize(("bits", "stored_in"), [(8, np.uint8), (8, np.uint16), (12, np.uint16)])
def test_a_table_of_grey_levels_is_followed(tmp_path: Path, bits: int, stored_in: Any) -> None:
    counts = np.arange(12, dtype=np.uint16).reshape(3, 4) * 100
    top = 2**bits - 1
    levels = np.array([0] * 601 + [top] * 300, stored_in)  # 100 to 1000, and the last one on
    table = Dataset()
    table.LUTDescriptor = [len(levels), 100, bits]
    table.add_new("LUTData", "OW", levels.tobytes() + b"\0" * (levels.nbytes % 2))
    write(tmp_path / "t.dcm", counts, VOILUTSequence=[table], WindowCenter=1, **X_RAY)
    assert read_radiograph(tmp_path / "t.dcm").ravel().tolist() == [0] * 8 + [255] * 4


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    for k, patient in enumerate("AAB"):
        counts = stored(k, (1, 20 + k, 30))[0]
        write(tmp_path / "x" / f"{k}.dcm", counts, PatientID=patient, **X_RAY)
    source = build_source(f"dicom:{tmp_path / 'x'},dims=2,image_size=16")
    cases = source.cases("train")
    assert source.dims == 2 and cases.images.shape == (3, 1, 16, 16)
    assert cases.images.dtype == torch.uint8 and cases.patients == ("A", "A", "B")
    assert build_source(source.name).facts() == source.facts()
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    bits = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "Rows": 2, "Columns": 4}
    write(tmp_path / "x" / "c.dcm", np.zeros((3, 4), np.uint16), **colour, **bits, **X_RAY)
    with pytest.raises(UserError, match=r"c\.dcm \(it holds 2 x 4 x 3 values of RGB"):
        build_source(f"dicom:{tmp_path / 'x'},dims=2").cases("train")


def test_compressed_pictures_are_those_that_were_compressed(tmp_path: Path) -> None:
    counts = stored()[0]
    header = write(tmp_path / "plain.dcm", counts, **X_RAY)
    header.compress(RLELossless)
    header.save_as(tmp_path / "rle.dcm", enforce_file_format=True)
    plain, packed = (read_radiograph(tmp_path / f"{name}.dcm") for name in ("plain", "rle"))
    assert np.array_equal(plain, packed)


def test_a_syntax_without_a_decoder_is_refused_with_its_remedy(real_data: Path) -> None:
    file = real_data / "io_dicom" / "single" / "bad_sequence.dcm"
    if pydicom.pixels.get_decoder(pydicom.uid.JPEGLosslessSV1).is_available:
        pytest.skip("JPEG Lossless can be decoded here")
    with pytest.raises(UserError, match="JPEG"):
        read_radiograph(file)
