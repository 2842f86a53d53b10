"""A NIfTI file, read once and to its end, so that no cut and no checksum goes unseen."""

from __future__ import annotations

import gzip
import logging
import math
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import nibabel
import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from pixvox_registry.faults.content import RGB, TRUNCATED, UNREADABLE, Content
from pixvox_registry.faults.finding import Finding, Unsound, error
from pixvox_registry.faults.grid import Grid, faults_of_grid

PIECE = 1 << 24  # bytes asked for at once: memory follows what is there, not what is stated
DEFLATE = 1032  # bytes that one byte of a gzip stream can hold at most
EMPTY_GZIP = 18  # bytes
BOMB = 1 << 28  # a smaller claim is taken for a cut file

HEADER_BOMB = error(
    "header-bomb",
    "the header states a volume of 256 MiB or more, and more than 1,032 times the size of the "
    "file, which not even compression explains",
    "Do not open it with a reader that trusts headers; fetch it again.",
)
COMPLEX = error(
    "complex",
    "complex numbers where a volume of plain numbers is due",
    "Export the magnitude.",
)
NOT_3D = error(
    "not-3d",
    "two, four or more axes longer than 1 where a volume is due",
    "Split a time series or channels into volumes, or declare them in dataset.json.",
)


def read_nifti(root: Path, file: str, *, channels_due: bool = False) -> Content:
    """The whole file, decompressed and checked to its last byte.

    Args:
        channels_due: a fourth axis is no fault, as in the Decathlon's tasks of several channels.

    Raises:
        Unsound: it cannot be read, or ends early.
    """
    header, content = _read_whole(root / file, file)
    dtype, shape = header.get_data_dtype(), tuple(header.get_data_shape())
    stored = _voxels(content, dtype, shape)
    grid = _grid(header, stored.shape[:3])
    findings = [*_faults_of_kind(file, dtype, shape, channels_due), *faults_of_grid(file, grid)]
    slope, inter = header.get_slope_inter()
    return Content(
        file=file,
        stored=stored,
        dims=3,
        slope=1.0 if slope is None else slope,
        inter=0.0 if inter is None else inter,
        grid=grid,
        findings=tuple(findings),
    )


def _read_whole(path: Path, file: str) -> tuple[Any, bytearray]:
    """The header and the bytes of the voxels, after which nothing was left to read."""
    size = path.stat().st_size
    if file.lower().endswith(".gz") and size < EMPTY_GZIP:
        raise Unsound(TRUNCATED.at(file, f"{size} bytes, fewer than a gzip stream of nothing"))
    try:
        with _opened(path) as stream:
            header, before = _header(stream, file)
            stated, offset = _stated_bytes(header, file, size), header.get_data_offset()
            _taken(stream, offset - before, file, "its header extensions")
            content = _taken(stream, stated, file, "its voxels")
            for _ in _pieces(stream, sys.maxsize):
                pass  # the checksum stands at the end
            header.get_slope_inter()
    except EOFError:
        raise Unsound(TRUNCATED.at(file, f"the gzip stream of {size:,} bytes has no end")) from None
    except (OSError, ValueError, zlib.error, HeaderDataError) as fault:
        raise Unsound(UNREADABLE.at(file, str(fault) or type(fault).__name__)) from None
    return header, content


def _stated_bytes(header: Any, file: str, size: int) -> int:
    """Of the voxels, as the header has it, if a file of ``size`` bytes may hold them."""
    dtype, shape = header.get_data_dtype(), header.get_data_shape()
    stated: int = math.prod(shape) * dtype.itemsize
    if header.get_data_offset() + stated > max(size * DEFLATE, BOMB):
        said = f"{_shape(shape)} of {dtype.name}, {stated:,} bytes, in a file of {size:,}"
        raise Unsound(HEADER_BOMB.at(file, said))
    return stated


def _opened(path: Path) -> IO[bytes]:
    packed = path.name.lower().endswith(".gz")
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")


def _header(stream: IO[bytes], file: str) -> tuple[Any, int]:
    """The header, and how many bytes it took."""
    start = stream.read(4)
    if len(start) < 4:
        raise Unsound(TRUNCATED.at(file, f"{len(start)} bytes hold no header"))
    sizes = {int.from_bytes(start, "little"), int.from_bytes(start, "big")}
    if not sizes & {348, 540}:
        raise ValueError(f"it begins with {start.hex()}, which no NIfTI file does")
    kind: Any = nibabel.Nifti1Header if 348 in sizes else nibabel.Nifti2Header
    block = start + stream.read(kind.sizeof_hdr - 4)
    if len(block) < kind.sizeof_hdr:
        said = f"{len(block)} bytes, while the header alone takes {kind.sizeof_hdr}"
        raise Unsound(TRUNCATED.at(file, said))
    header = kind(block, check=False)
    header.check_fix(logger=_silent(), error_level=40)
    if header.get_data_offset() < kind.sizeof_hdr or min(header.get_data_shape(), default=0) < 1:
        raise ValueError(
            f"its header states {_shape(header.get_data_shape())} voxels from byte "
            f"{header.get_data_offset()} on"
        )
    return header, len(block)


def _taken(stream: IO[bytes], wanted: int, file: str, what: str) -> bytearray:
    held = bytearray()
    for piece in _pieces(stream, wanted):
        held += piece
    if len(held) < wanted:
        said = f"{len(held):,} bytes of {what}, while the header states {wanted:,}"
        raise Unsound(TRUNCATED.at(file, said))
    return held


def _pieces(stream: IO[bytes], wanted: int) -> Iterator[bytes]:
    while wanted > 0 and (piece := stream.read(min(wanted, PIECE))):
        wanted -= len(piece)
        yield piece


def _grid(header: Any, sides: tuple[int, ...]) -> Grid:
    spacing = (*header.get_zooms(), 1.0, 1.0)[:3]
    return Grid(
        sides=(*sides, 1, 1)[:3],
        affine=_affine(header.get_best_affine),
        pixdim_mm=tuple(float(mm) for mm in spacing),
        sform=_affine(header.get_sform) if header["sform_code"] else None,
        qform=_affine(header.get_qform) if header["qform_code"] else None,
    )


def _affine(read: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(read(), dtype=np.float64)
    except ValueError:  # a quaternion that is no rotation
        return np.full((4, 4), np.nan)


def _voxels(content: bytearray, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """``[*S]``, or ``[*S, C]`` of channels, times or colours."""
    if dtype.names:
        colours = np.frombuffer(content, np.uint8).reshape(len(dtype.names), *shape, order="F")
        return np.moveaxis(colours, 0, -1)
    return np.frombuffer(content, dtype).reshape(_plain(shape), order="F")


def _plain(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without the axes of length 1 behind the third."""
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _faults_of_kind(
    file: str, dtype: np.dtype[Any], shape: tuple[int, ...], channels_due: bool
) -> list[Finding]:
    findings = []
    if dtype.names:
        findings.append(RGB.at(file, f"its voxels are {len(dtype.names)} colours"))
    if dtype.kind == "c":
        findings.append(COMPLEX.at(file, f"its voxels are {dtype.name}"))
    axes = len(_plain(shape))
    due = axes in (3, 4) if channels_due else axes == 3
    if not due or sum(side > 1 for side in shape[:3]) < 2:
        findings.append(NOT_3D.at(file, f"its shape is {_shape(shape)}"))
    return findings


def _shape(shape: Any) -> str:
    return " x ".join(map(str, shape))


def _silent() -> logging.Logger:
    """What nibabel mends in a header it would otherwise print."""
    logger = logging.Logger("pixvox.silent")
    logger.addHandler(logging.NullHandler())
    return logger
