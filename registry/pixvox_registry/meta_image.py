"""MetaImage: a text header beside raw or zlib-compressed voxels, as ITK writes and LUNA16 stores.

The format is described at https://itk.org/Wiki/ITK/MetaIO/Documentation.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.errors import UserError

HEADER_BYTES = 1 << 16  # a header is a few hundred
DEFLATE = 1032  # bytes that one byte of a zlib stream can hold at most
TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
SAME = {  # other names of a field
    "Position": "Offset",
    "Origin": "Offset",
    "Orientation": "TransformMatrix",
    "Rotation": "TransformMatrix",
    "ElementByteOrderMSB": "BinaryDataByteOrderMSB",
}
LOCAL = "LOCAL"  # the voxels follow the header in the same file
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # MetaImage's x and y run to left and posterior


@dataclass(frozen=True, kw_only=True)
class MetaImage:
    """Voxels and where they lie.

    Args:
        voxels: ``[X, Y, Z]``, the first axis the fastest in the file; raw files are memory-mapped.
        affine: ``[4, 4]`` from voxels to mm as the file has it: left, posterior, superior.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]

    def voxel_at(self, place_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """``[N, 3]`` mm in the file's own space to ``[N, 3]`` places on ``voxels``."""
        moved: NDArray[np.float64] = place_mm - self.affine[:3, 3]
        return moved @ np.linalg.inv(self.affine[:3, :3]).T

    def as_nifti(self) -> Any:
        """The same as nibabel has it, whose x and y run to right and anterior."""
        import nibabel

        image: Any = nibabel.Nifti1Image(self.voxels, LPS @ self.affine)  # type: ignore[no-untyped-call]
        return image


def read_meta_image(file: Path) -> MetaImage:
    """A volume of a .mhd file with its .raw or .zraw, or of a .mha file.

    Raises:
        UserError: it is none, its voxels are of an unknown type, or not as many as it states.
    """
    try:
        fields, end = _header(file)
        sides = _numbers(fields, "DimSize", 3, int)
        if min(sides) < 1:
            raise UserError(f"{file.name} states DimSize {sides}")
        return MetaImage(voxels=_voxels(file, fields, end, sides), affine=_affine(fields))
    except KeyError as lost:
        raise UserError(f"{file.name} lacks the field {lost.args[0]} of a MetaImage") from None
    except OSError as error:
        raise UserError(f"{file.name} cannot be read: {error}") from None


def _header(file: Path) -> tuple[dict[str, str], int]:
    """Fields by name, up to ElementDataFile, which ends a header; and where it ends."""
    with file.open("rb") as stream:
        block = stream.read(HEADER_BYTES)
    fields: dict[str, str] = {}
    end = 0
    for line in block.splitlines(keepends=True):
        end += len(line)
        name, equals, value = line.decode("latin-1").partition("=")
        name = name.strip()
        if not equals or not name.isascii():
            break
        fields[SAME.get(name, name)] = value.strip()
        if name == "ElementDataFile":
            _refuse_unknown(file, fields)
            return fields, end
    raise UserError(f"{file.name} has no header of a MetaImage, which ends with ElementDataFile")


def _refuse_unknown(file: Path, fields: Mapping[str, str]) -> None:
    wanted = {
        "ObjectType": ("Image",),
        "NDims": ("3",),
        "BinaryData": ("True",),
        "ElementNumberOfChannels": ("1",),
        "HeaderSize": ("0",),
        "ElementType": tuple(TYPES),
    }
    for name, allowed in wanted.items():
        said = fields.get(name, allowed[0] if name != "ElementType" else "none")
        if said not in allowed:
            raise UserError(f"{file.name} has {name} {said}; read are {', '.join(allowed)}")
    beside = fields["ElementDataFile"]
    if beside != LOCAL and (Path(beside).name != beside or beside in ("", ".", "..", "LIST")):
        raise UserError(f"{file.name} names its voxels {beside!r}; read is one file beside it")


def _voxels(file: Path, fields: Mapping[str, str], end: int, sides: list[int]) -> NDArray[Any]:
    order = ">" if fields.get("BinaryDataByteOrderMSB", "False") == "True" else "<"
    dtype = np.dtype(order + TYPES[fields["ElementType"]])
    beside = fields["ElementDataFile"]
    source, start = (file, end) if beside == LOCAL else (file.with_name(beside), 0)
    stated, there = math.prod(sides) * dtype.itemsize, source.stat().st_size - start
    if fields.get("CompressedData", "False") != "True":
        if there != stated:
            raise UserError(_other_size(source, there, stated))
        return np.memmap(source, dtype, "r", offset=start, shape=tuple(sides), order="F")
    if stated > there * DEFLATE:
        raise UserError(_other_size(source, there, stated))
    with source.open("rb") as stream:
        stream.seek(start)
        content = _inflated(stream.read(), stated, source)
    return np.frombuffer(content, dtype).reshape(sides, order="F")


def _inflated(packed: bytes, stated: int, source: Path) -> bytes:
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(packed, stated + 1)
    except zlib.error as error:
        raise UserError(f"{source.name} is no zlib stream: {error}") from None
    if len(content) != stated or not inflate.eof:
        raise UserError(_other_size(source, len(content), stated))
    return content


def _other_size(source: Path, there: int, stated: int) -> str:
    return f"{source.name} holds {there:,} bytes of voxels, while its header states {stated:,}"


def _affine(fields: Mapping[str, str]) -> NDArray[np.float64]:
    """``[4, 4]``; the matrix lists the direction of each axis in turn."""
    axes = np.array(_numbers(fields, "TransformMatrix", 9, float, np.eye(3).ravel()))
    spacing_mm = _numbers(fields, _spacing(fields), 3, float, [1.0] * 3)
    affine = np.eye(4)
    affine[:3, :3] = axes.reshape(3, 3).T * spacing_mm
    affine[:3, 3] = _numbers(fields, "Offset", 3, float, [0.0] * 3)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-12:
        raise UserError(f"its axes {axes.tolist()} of {spacing_mm} mm span no space")
    return affine


def _spacing(fields: Mapping[str, str]) -> str:
    return "ElementSpacing" if "ElementSpacing" in fields else "ElementSize"


def _numbers(
    fields: Mapping[str, str], name: str, count: int, kind: type, usual: Any = None
) -> list[Any]:
    if name not in fields and usual is not None:
        return list(usual)
    try:
        numbers = [kind(word) for word in fields[name].split()]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise UserError(f"{name} should be {count} numbers; {fields[name]!r} came")
    return numbers
