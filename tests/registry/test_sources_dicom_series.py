"""DICOM series as volumes, made here and from real scanners, and every series that is no box."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
import torch

from pixvox_registry.dicom_volume import image_of_series
from pixvox_registry.errors import NoData, UserError
from pixvox_registry.geometry import restored, spacing_of
from pixvox_registry.source_spec import build_source
from pixvox_registry.sources.dicom import Dicom
from pixvox_registry.volume import canonical, opened

from .dicom_files import stored, write

AXIAL = ((1, 0, 0), (0, 1, 0))
OBLIQUE = ((0.8, 0.6, 0.0), (0.0, 0.0, -1.0))
SAGITTAL = ((0, 1, 0), (0, 0, -1))
ORIGIN, MM, STEP_MM = (-40.0, 12.5, 7.0), (0.5, 0.75), 2.5


def slice_at(number: float, axes: Any = AXIAL) -> dict[str, Any]:
    normal = np.cross(*axes)
    place = np.array(ORIGIN) + STEP_MM * number * normal
    return {
        "ImageOrientationPatient": [float(x) for axis in axes for x in axis],
        "ImagePositionPatient": [round(float(mm), 6) for mm in place],
        "PixelSpacing": list(MM),
    }


def write_series(folder: Path, counts: np.ndarray, axes: Any = AXIAL, **fields: Any) -> None:
    """Named so that neither names nor the order of writing follow the positions."""
    for number in np.random.default_rng(1).permutation(len(counts)):
        name = f"IM{(7 * int(number)) % 11:03d}.dcm"
        place = {**slice_at(int(number), axes), "RescaleSlope": 1, "RescaleIntercept": -1024}
        write(folder / name, counts[number], **{**place, **fields})


def as_nifti(file: Path, counts: np.ndarray, axes: Any = AXIAL) -> Path:
    """The same volume, voxel by voxel placed by hand: DICOM's LPS becomes NIfTI's RAS."""
    row, column = (np.array(axis, float) for axis in axes)
    voxels = np.zeros((counts.shape[2], counts.shape[1], counts.shape[0]), np.int16)
    for k in range(counts.shape[0]):
        for i in range(counts.shape[1]):
            for j in range(counts.shape[2]):
                voxels[j, i, k] = int(counts[k, i, j]) - 1024
    affine = np.eye(4)
    affine[:3, 0] = row * MM[1]  # to the next column
    affine[:3, 1] = column * MM[0]
    affine[:3, 2] = np.cross(row, column) * STEP_MM
    affine[:3, 3] = ORIGIN
    affine[:2] *= -1
    nibabel.save(nibabel.Nifti1Image(voxels, affine), file)
    return file


@pytest.mark.parametrize("axes", [AXIAL, OBLIQUE, SAGITTAL])
def test_a_series_is_the_volume_that_nifti_holds(tmp_path: Path, axes: Any) -> None:
    counts = stored()
    write_series(tmp_path / "scans" / "p1", counts, axes)
    (tmp_path / "nifti").mkdir()
    as_nifti(tmp_path / "nifti" / "p1.nii", counts, axes)
    settings = "volume_size=12,spacing_mm=none"
    ours = build_source(f"dicom:{tmp_path / 'scans'},{settings}").cases("train")
    theirs = build_source(f"nifti:{tmp_path / 'nifti'},modality=ct,{settings}").cases("train")
    assert torch.equal(ours.images[:], theirs.images[:])
    assert np.allclose(ours.spacing_mm, theirs.spacing_mm, atol=1e-5)
    assert ours.ids == ("p1",) and ours.patients == ("P1",) and ours.value_range == (-1.0, 1.0)


def test_a_list_may_name_series_meta_images_and_nifti(tmp_path: Path) -> None:
    counts = stored()
    write_series(tmp_path / "series", counts)
    as_nifti(tmp_path / "v.nii", counts)
    (tmp_path / "v.raw").write_bytes((counts.astype(np.int16) - 1024).tobytes())
    fields = {
        "NDims": 3,
        "Offset": " ".join(map(str, ORIGIN)),
        "ElementSpacing": f"{MM[1]} {MM[0]} {STEP_MM}",
        "DimSize": "8 7 6",
        "ElementType": "MET_SHORT",
        "ElementDataFile": "v.raw",
    }
    (tmp_path / "v.mhd").write_text("".join(f"{k} = {v}\n" for k, v in fields.items()))
    (tmp_path / "list.csv").write_text("image\nseries\nv.nii\nv.mhd\n")
    line = f"csv:{tmp_path / 'list.csv'},modality=ct,volume_size=9,spacing_mm=none"
    images = build_source(line).cases("train").images[:]
    assert torch.equal(images[0], images[1]) and torch.equal(images[0], images[2])
    assert images[0].float().std() > 0.1
    write(tmp_path / "series" / "IM000.dcm", counts[0] + 1, **slice_at(0))
    assert not torch.equal(build_source(line).cases("train").images[0], images[0])


def test_slices_stand_by_position_and_values_below_zero_survive(tmp_path: Path) -> None:
    counts = np.stack([np.full((4, 4), 24 + 200 * k, np.uint16) for k in range(6)])
    write_series(tmp_path / "p1", counts)
    voxels, spacings = canonical(opened(tmp_path / "p1"))
    assert voxels[0].mean((1, 2)).tolist() == [-1000, -800, -600, -400, -200, 0]
    assert spacings == pytest.approx([STEP_MM, *MM])


@pytest.mark.parametrize("axes", [AXIAL, SAGITTAL])
def test_a_label_map_goes_back_to_the_axes_of_a_series(tmp_path: Path, axes: Any) -> None:
    write_series(tmp_path / "p1", stored(), axes)
    voxels, spacings = canonical(opened(tmp_path / "p1"))
    labels = (voxels[0] > 0).astype(np.uint8)
    back = restored(labels, tmp_path / "p1")
    assert np.array_equal(back.affine, opened(tmp_path / "p1").affine)
    assert np.array_equal(np.asarray(back.dataobj), stored() > 1024)
    assert spacing_of(tmp_path / "p1") == pytest.approx(spacings)


def test_every_slice_has_its_own_slope(tmp_path: Path) -> None:
    for k in range(4):
        fields = {**slice_at(k), "Modality": "PT", "RescaleSlope": 0.5 + k, "RescaleIntercept": -k}
        write(tmp_path / f"{k}.dcm", np.full((3, 3), 10, np.uint16), **fields)
    voxels, _ = canonical(opened(tmp_path))
    assert voxels[0, :, 0, 0].tolist() == [10 * (0.5 + k) - k for k in range(4)]


def moved(folder: Path, number: float, **fields: Any) -> None:
    write(folder / "IM999.dcm", stored()[3], **{**slice_at(number), **fields})


FAULTS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "a gap": (r"IM\d+\.dcm, IM\d+\.dcm: a gap of 5 mm", lambda f: (f / "IM010.dcm").unlink()),
    "a slice twice": (r"IM999\.dcm: 0 mm apart|IM999\.dcm.*apart", lambda f: moved(f, 3)),
    "uneven steps": ("slices are .* mm apart", lambda f: moved(f, 6.2)),
    "another angle": ("lie at another angle", lambda f: moved(f, 6, **slice_at(6, OBLIQUE))),
    "another size": (
        r"\(5, 5\) pixels beside|pixels beside \(5, 5\)",
        lambda f: write(f / "IM999.dcm", stored()[0, :5, :5], **slice_at(6)),
    ),
    "no position": ("have no position", lambda f: moved(f, 6, ImagePositionPatient=None)),
    "a cut file": (
        r"IM000\.dcm",
        lambda f: (f / "IM000.dcm").write_bytes((f / "IM000.dcm").read_bytes()[:-40]),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_series_that_is_no_box_is_refused_with_its_files(tmp_path: Path, fault: str) -> None:
    said, plant = FAULTS[fault]
    write_series(tmp_path / "good", stored(), SeriesInstanceUID="1.9", PatientID="P2")
    write_series(tmp_path / "bad", stored())
    plant(tmp_path / "bad")
    with pytest.raises(UserError, match=said) as refusal:
        build_source(f"dicom:{tmp_path}").cases("train")
    assert "1 of 2 images" in str(refusal.value)
    left = build_source(f"dicom:{tmp_path},skip_broken=true").cases("train")
    assert left.ids == ("good",) and left.patients == ("P2",)


def test_series_of_one_folder_are_parted_by_uid(tmp_path: Path) -> None:
    for k in range(4):
        for uid, patient in (("1.2.7", "A"), ("1.2.8", "B")):
            pixels = np.full((3, 3), 100 if patient == "A" else 900, np.uint16)
            fields = {**slice_at(k), "SeriesInstanceUID": uid, "PatientID": patient}
            write(tmp_path / f"{k}{patient}", pixels + k, **fields)  # no suffix either
    (tmp_path / "notes.txt").write_text("not a scan")
    cases = Dicom(str(tmp_path), volume_size=6, spacing_mm=None).cases("train")
    assert cases.ids == ("1.2.7", "1.2.8") and cases.patients == ("A", "B")
    assert cases.images[0].max() < cases.images[1].max()
    with pytest.raises(UserError, match="holds 2 series"):
        opened(tmp_path)


def test_the_modality_of_the_header_chooses_the_scale(tmp_path: Path) -> None:
    write_series(tmp_path / "mr", stored(), Modality="MR")
    cases = Dicom(str(tmp_path), volume_size=6).cases("train")
    assert cases.value_range == (-3.0, 3.0)
    write_series(tmp_path / "ct", stored(), SeriesInstanceUID="1.9")
    with pytest.raises(UserError, match=r"holds CT, ct, beside mr \(MR\)"):
        Dicom(str(tmp_path), volume_size=6).cases("train")
    forced = Dicom(str(tmp_path), volume_size=6, modality="ct:0:100").cases("train")
    assert forced.value_range == (-1.0, 1.0) and len(forced) == 2
    write(tmp_path / "seg.dcm", stored()[0], Modality="SEG", SeriesInstanceUID="1.8")
    assert len(Dicom(str(tmp_path), volume_size=6, modality="ct").cases("train")) == 2


def test_what_decides_a_case_decides_the_cache_and_the_digest(tmp_path: Path) -> None:
    write_series(tmp_path / "s" / "p1", stored())
    line = f"dicom:{tmp_path / 's'},volume_size=8,spacing_mm=none"
    source = build_source(line)
    before, digest = source.cases("train").images[:], source.facts()["sha256"]
    assert source.name == line and build_source(line).facts() == source.facts()
    write_series(tmp_path / "s" / "p1", stored(), PatientID="P7")
    assert build_source(line).facts()["sha256"] != digest
    last = sorted((tmp_path / "s" / "p1").iterdir())[-1]  # not the file that leads
    header = pydicom.dcmread(last)
    header.PixelData = bytes(len(header.PixelData))
    header.save_as(last)
    assert not torch.equal(build_source(line).cases("train").images[:], before)
    (tmp_path / "splits.json").write_text(json.dumps({"test": ["p1"]}))
    assert build_source(f"{line},splits={tmp_path}/splits.json").cases("test").ids == ("p1",)


def test_patients_are_unknown_if_one_is(tmp_path: Path) -> None:
    write_series(tmp_path / "p1", stored())
    write_series(tmp_path / "p2", stored(), SeriesInstanceUID="1.9", PatientID=None)
    assert Dicom(str(tmp_path), volume_size=6).cases("train").patients is None


def test_what_is_no_series_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoData, match="dicom wants a folder"):
        Dicom(str(tmp_path / "nowhere")).cases("train")
    (tmp_path / "notes.txt").write_text("not a scan")
    with pytest.raises(UserError, match="holds no DICOM image"):
        Dicom(str(tmp_path)).cases("train")
    write(tmp_path / "one.dcm", stored()[0], **slice_at(0))
    with pytest.raises(UserError, match="it is a single slice"):
        Dicom(str(tmp_path)).cases("train")
    (tmp_path / "two.dcm").write_text("none")
    with pytest.raises(UserError, match=r"two\.dcm cannot be read"):
        Dicom(str(tmp_path)).cases("train")
    with pytest.raises(UserError, match="dims is 2 or 3"):
        build_source(f"dicom:{tmp_path},dims=4")


def test_real_series_are_read(real_data: Path) -> None:
    root = real_data / "io_dicom"
    ct = Dicom(str(root / "torchio_series"), spacing_mm=None).cases("train")
    assert ct.value_range == (-1.0, 1.0) and ct.spacing_mm == (2.0, 2.0, 2.0)
    mr = Dicom(str(root / "studyforrest_t1_slab"), spacing_mm=None).cases("train")
    assert mr.value_range == (-3.0, 3.0) and mr.patients == ("02",)
    assert mr.spacing_mm == pytest.approx((0.667, 0.667, 0.7), abs=1e-3)
    files = sorted((root / "torchio_series").iterdir())
    heights = [float(pydicom.dcmread(file).ImagePositionPatient[2]) for file in files]
    lowest = pydicom.dcmread(files[int(np.argmin(heights))]).pixel_array
    voxels, _ = canonical(opened(root / "torchio_series"))
    assert np.array_equal(np.sort(voxels[0, 0].ravel()), np.sort(lowest.ravel()))
    with pytest.raises(UserError, match="10 frames in one file"):
        image_of_series([root / "single" / "emri_small.dcm"])
