"""Arrays in npz files: read whole, or brought to the cache in pieces where they are large."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from torch import Tensor

from pixvox_registry.kept_rows import kept_rows
from pixvox_registry.stored import RESIDENT_BYTES, Stored, rows_at_once

Header = tuple[tuple[int, ...], np.dtype[Any], bool]  # shape, type, row by row
Arrange = Callable[[NDArray[Any]], NDArray[Any]]


class NpzArray:
    """One array of an npz file, ``[N, *each]``. Whatever numpy and zip raise comes through.

    Args:
        arrange: rows as they lie in the file to rows as they are wanted.
    """

    def __init__(self, path: Path, key: str, *, arrange: Arrange = lambda rows: rows) -> None:
        self.path, self.key, self.arrange = path, key, arrange

    @property
    def shape(self) -> tuple[int, ...]:
        """As it lies in the file."""
        return self._header[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """As it lies in the file."""
        return self._header[1]

    def is_large(self) -> bool:
        """Bytes that lie row by row, and more of them than are held in memory."""
        shape, dtype, by_row = self._header
        return by_row and dtype == np.uint8 and math.prod(shape) > RESIDENT_BYTES

    def whole(self) -> NDArray[Any]:
        """All rows, in memory."""
        with zipfile.ZipFile(self.path) as members, members.open(f"{self.key}.npy") as stream:
            array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        return self.arrange(array)

    def stored(self) -> Stored:
        """All rows, from the cache ``$PIXVOX_CACHE/npz``; brought there now, with a progress bar.

        A changed file is brought anew.

        Raises:
            ValueError: the file ends early.
        """
        state = self.path.stat()
        return kept_rows(
            "npz",
            [str(self.path), state.st_size, state.st_mtime_ns, self.key],
            self._pieces,
            count=self.shape[0],
            each=self.arrange(np.empty((0, *self.shape[1:]), self.dtype)).shape[1:],
            doing=f"unpacking {self.path.name}",
            about={"root": str(self.path), "files": [self.path.name]},
        )

    @cached_property
    def _header(self) -> Header:
        with self._opened() as (header, _):
            return header

    @contextmanager
    def _opened(self) -> Iterator[tuple[Header, IO[bytes]]]:
        """The header, and the bytes behind it."""
        with zipfile.ZipFile(self.path) as members, members.open(f"{self.key}.npy") as stream:
            version = npy.read_magic(stream)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, by_column, dtype = read(stream)
            yield (shape, dtype, not by_column), stream

    def _pieces(self) -> Iterator[Tensor]:
        with self._opened() as ((shape, dtype, _), stream):
            step, values = rows_at_once(math.prod(shape[1:])), math.prod(shape[1:])
            for start in range(0, shape[0], step):
                rows = min(step, shape[0] - start)
                content = stream.read(rows * values * dtype.itemsize)
                piece = np.frombuffer(bytearray(content), dtype).reshape(rows, *shape[1:])
                yield torch.from_numpy(self.arrange(piece))
