"""MetaImage: axes, places, compression; what does not fit its header is refused."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from pixvox_registry import UserError
from pixvox_registry.meta_image import read_meta_image
from pixvox_registry.volume import canonical, opened

SIDES = (4, 5, 6)
MM = (0.5, 0.7, 2.5)
OFFSET = (-100.0, 30.0, -7.5)


def hounsfield(seed: int = 0, sides: tuple[int, ...] = SIDES) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1024, 2000, sides).astype(np.int16)


def write(file: Path, voxels: np.ndarray, **changes: Any) -> Path:
    """As SimpleITK writes them; a field of None is left out."""
    packed = file.suffix == ".mhd" and changes.get("CompressedData") == "True"
    beside = file.with_suffix(".zraw" if packed else ".raw").name
    fields = {
        "ObjectType": "Image",
        "NDims": 3,
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": "1 0 0 0 1 0 0 0 1",
        "Offset": " ".join(map(str, OFFSET)),
        "CenterOfRotation": "0 0 0",
        "AnatomicalOrientation": "RAI",
        "ElementSpacing": " ".join(map(str, MM)),
        "DimSize": " ".join(map(str, voxels.shape)),
        "ElementType": "MET_SHORT",
        **changes,
        "ElementDataFile": changes.get("ElementDataFile", beside),
    }
    lines = "".join(f"{name} = {value}\n" for name, value in fields.items() if value is not None)
    content = voxels.tobytes(order="F")
    if fields["CompressedData"] == "True":
        content = zlib.compress(content)
    local = fields["ElementDataFile"] == "LOCAL"
    file.write_bytes(lines.encode() + (content if local else b""))
    if not local:
        file.with_name(beside).write_bytes(content)
    return file


def test_voxels_and_places_are_those_of_the_file(tmp_path: Path) -> None:
    voxels = hounsfield()
    read = read_meta_image(write(tmp_path / "ct.mhd", voxels))
    assert np.array_equal(read.voxels, voxels) and read.voxels.min() < 0
    for x, y, z in ((0, 0, 0), (3, 0, 0), (1, 2, 5)):
        place = [o + n * mm for o, n, mm in zip(OFFSET, (x, y, z), MM, strict=True)]
        assert np.allclose(read.affine @ [x, y, z, 1], [*place, 1])
        assert np.allclose(read.voxel_at(np.array([place])), [[x, y, z]])


def test_it_is_the_volume_that_a_nifti_file_holds(tmp_path: Path) -> None:
    """RAS of NIfTI against LPS of MetaImage, with axes in another order."""
    voxels = hounsfield()
    matrix = np.array([[0, 1, 0], [0, 0, -1], [1, 0, 0]])  # axis by axis, in LPS
    said = " ".join(map(str, matrix.ravel()))
    meta = write(tmp_path / "ct.mhd", voxels, TransformMatrix=said)
    affine = np.eye(4)
    for axis in range(3):  # the naive loop: each axis a direction, scaled and turned to RAS
        for world in range(3):
            sign = -1 if world < 2 else 1
            affine[world, axis] = sign * matrix[axis, world] * MM[axis]
    affine[:3, 3] = [-OFFSET[0], -OFFSET[1], OFFSET[2]]
    nibabel.save(nibabel.Nifti1Image(voxels, affine), tmp_path / "ct.nii")
    (ours, mm), (theirs, its) = (canonical(opened(f)) for f in (meta, tmp_path / "ct.nii"))
    assert np.array_equal(ours, theirs) and np.allclose(mm, its)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("a.mhd", {"CompressedData": "True"}),
        ("a.mha", {"ElementDataFile": "LOCAL"}),
        ("a.mha", {"ElementDataFile": "LOCAL", "CompressedData": "True"}),
        ("a.mhd", {"TransformMatrix": None, "CompressedData": None}),
    ],
)
def test_every_way_of_storing_gives_the_same_voxels(tmp_path, name, changes):
    if changes.get("CompressedData", "") is None:
        changes = {**changes, "CompressedData": "False"}
    voxels = hounsfield()
    assert np.array_equal(read_meta_image(write(tmp_path / name, voxels, **changes)).voxels, voxels)


@pytest.mark.parametrize(
    ("stored", "said"), [("u1", "MET_UCHAR"), (">i2", "MET_SHORT"), ("<f4", "MET_FLOAT")]
)
def test_types_and_byte_orders(tmp_path, stored, said):
    voxels = np.arange(120).reshape(SIDES).astype(stored)
    msb = str(stored.startswith(">"))
    file = write(tmp_path / "a.mhd", voxels, ElementType=said, BinaryDataByteOrderMSB=msb)
    assert np.array_equal(read_meta_image(file).voxels, voxels)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ElementType": "MET_LONG_LONG"}, "ElementType MET_LONG_LONG"),
        ({"ElementType": None}, "ElementType none"),
        ({"NDims": 4}, "NDims 4"),
        ({"ElementNumberOfChannels": 3}, "ElementNumberOfChannels 3"),
        ({"DimSize": "4 5 7"}, "240 bytes of voxels, while its header states 280"),
        ({"DimSize": "4 5 5"}, "240 bytes"),
        ({"DimSize": "4 5"}, "DimSize should be 3 numbers"),
        ({"DimSize": None}, "lacks the field DimSize"),
        ({"DimSize": "4 -5 6"}, r"DimSize \[4, -5, 6\]"),
        ({"DimSize": "99999 99999 99999", "CompressedData": "True"}, "states 1,999,940"),
        ({"DimSize": "4 5 5", "CompressedData": "True"}, "201 bytes"),
        ({"DimSize": "4 5 7", "CompressedData": "True"}, "240 bytes"),
        ({"ElementSpacing": "0 1 1"}, "span no space"),
        ({"ElementSpacing": "nan 1 1"}, "span no space"),
        ({"ElementDataFile": "../secret.raw"}, "one file beside it"),
        ({"ElementDataFile": "/etc/passwd"}, "one file beside it"),
        ({"ElementDataFile": "LIST"}, "one file beside it"),
        ({"ElementDataFile": "lost.raw"}, "cannot be read"),
        ({"HeaderSize": -1}, "HeaderSize -1"),
        ({"BinaryData": "False"}, "BinaryData False"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, changes, said):
    with pytest.raises(UserError, match=said):
        read_meta_image(write(tmp_path / "a.mhd", hounsfield(), **changes))


@pytest.mark.parametrize("content", [b"", b"\x00" * 99, b"a = 1\n" * 99, b"x" * (1 << 20)])
def test_what_is_no_header_is_refused(tmp_path, content):
    (tmp_path / "a.mhd").write_bytes(content)
    with pytest.raises(UserError, match="no header of a MetaImage"):
        read_meta_image(tmp_path / "a.mhd")


def test_a_compressed_stream_that_is_cut_or_false_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mhd", hounsfield(), CompressedData="True")
    packed = (tmp_path / "a.zraw").read_bytes()
    for content, said in ((packed[:-3], "240 bytes|holds"), (b"no zlib" * 9, "no zlib stream")):
        (tmp_path / "a.zraw").write_bytes(content)
        with pytest.raises(UserError, match=said):
            read_meta_image(file)
