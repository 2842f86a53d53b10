"""Stored: rows that stay on disk; each is read when it is asked for, and nothing is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import index
from typing import SupportsIndex, TypeAlias

import torch
from torch import Tensor

from pixvox_registry.open_file import OpenFile

RESIDENT_BYTES = 1 << 30  # of images; of a larger set no more than pieces are held in memory
ROWS_AT_ONCE, VALUES_AT_ONCE = 256, 1 << 22  # of a piece


@dataclass(frozen=True, eq=False)
class Stored:
    """``[N, *each]`` in a file. It looks like a tensor as far as rows go; to index is to read.

    Args:
        each: shape of a row.
        rows: places in the file, in the order in which they are seen here.
    """

    content: OpenFile
    dtype: torch.dtype
    each: tuple[int, ...]
    rows: Sequence[int]

    device = torch.device("cpu")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: SupportsIndex | slice | Sequence[int] | Tensor) -> Tensor:
        """Rows, read now into memory of their own: ``images[:]`` is all of them.

        Raises:
            TypeError: more than rows are selected, as in ``images[0, 1]``.
        """
        if isinstance(rows, tuple):
            raise TypeError(
                f"rows alone can be read, not {rows}; index what was read: images[0][1]"
            )
        if isinstance(rows, Tensor):
            rows = (rows.nonzero().flatten() if rows.dtype == torch.bool else rows).tolist()
        if isinstance(rows, SupportsIndex):
            return self._read([self.rows[index(rows)]])[0]
        return self._read(self.rows[rows] if isinstance(rows, slice) else self.chosen(rows).rows)

    @property
    def shape(self) -> torch.Size:
        """``[N, *each]``."""
        return torch.Size((len(self.rows), *self.each))

    @property
    def ndim(self) -> int:
        """Of rows and what each of them has."""
        return 1 + len(self.each)

    def numel(self) -> int:
        """Values in all rows."""
        return len(self) * math.prod(self.each)

    def element_size(self) -> int:
        """Bytes of a value."""
        return self.dtype.itemsize

    def chosen(self, rows: Sequence[int]) -> Stored:
        """These rows, in this order; none is read."""
        return replace(self, rows=tuple(self.rows[row] for row in rows))

    def index_select(self, dim: int, rows: Tensor) -> Tensor:
        """As a tensor has it, along the rows.

        Raises:
            ValueError: another dimension.
        """
        if dim != 0:
            raise ValueError(f"what is stored is selected by row, along 0; {dim} came")
        return self[rows]

    def split(self, size: int) -> Iterator[Tensor]:
        """All rows in pieces, the last one perhaps smaller; each is read when its turn comes."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def _read(self, places: Sequence[int]) -> Tensor:
        """``[R, *each]``; neighbours in the file are read at one go."""
        out = torch.empty(len(places), *self.each, dtype=self.dtype)
        step = math.prod(self.each) * self.dtype.itemsize
        breaks = [i for i in range(1, len(places)) if places[i] != places[i - 1] + 1]
        for first, last in pairwise([0, *breaks, len(places)] if places else []):
            fill(out[first:last], self.content, places[first] * step)
        return out


def fill(tensor: Tensor, content: OpenFile, start: int) -> None:
    """Read a contiguous tensor from the bytes that begin at ``start``."""
    if tensor.numel():
        content.read(start, tensor.view(-1).view(torch.uint8).numpy().data)


Images: TypeAlias = Tensor | Stored


def chosen(images: Images, rows: Sequence[int]) -> Images:
    """Some rows: of a tensor copied, of what is stored noted."""
    return images.chosen(rows) if isinstance(images, Stored) else images[list(rows)]


def bytes_of(images: Images) -> int:
    """As many as all rows take in memory."""
    return images.numel() * images.element_size()


def rows_at_once(values: int, at_once: int = VALUES_AT_ONCE) -> int:
    """How many rows of so many values make a piece: 256, unless that is more than ``at_once``."""
    return max(1, min(ROWS_AT_ONCE, at_once // max(1, values)))


def pieces(images: Images, at_once: int = VALUES_AT_ONCE) -> Iterator[Tensor]:
    """All rows, some at a time: no more values than ``at_once``, but at least a row."""
    return iter(images.split(rows_at_once(math.prod(images.shape[1:]), at_once)))


def loaded(images: Images, device: torch.device) -> Tensor:
    """All rows on a device, sent there piece by piece; a tensor that is there stays as it is."""
    if isinstance(images, Tensor):
        return images.to(device)
    whole, start = torch.empty(images.shape, dtype=images.dtype, device=device), 0
    for piece in pieces(images):
        whole[start : start + len(piece)] = piece
        start += len(piece)
    return whole
