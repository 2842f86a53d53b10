"""Features as a table on disk, row by row: CSV, or Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Protocol

import torch
from torch import Tensor

from pixvox_registry.errors import UserError

ROWS_AT_ONCE = 4096  # of a row group
Words = Mapping[str, Sequence[Any]]  # column: what stands in it beside the features


class Table(Protocol):
    """Rows are written in the order in which they come."""

    def add(self, words: Words, features: Tensor) -> None:
        """Further rows: columns of R entries, and ``[R, D]``."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


@contextmanager
def table(file: Path, words: Mapping[str, type], num_features: int) -> Iterator[Table]:
    """A table that is there as a whole when the block ends, and not at all if it fails.

    Args:
        file: ends in .csv or .parquet.
        words: columns before the features, with ``str`` or ``int``; any entry may be None.

    Raises:
        UserError: another suffix, Parquet without pyarrow, or a folder of that name.
    """
    kind = kind_of(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            made = kind(stream, words, num_features)
            try:
                yield made
            finally:
                made.close()
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def kind_of(file: Path) -> type[CsvTable] | type[ParquetTable]:
    """Who writes such a file.

    Raises:
        UserError: as :func:`table` has it.
    """
    if file.is_dir():
        raise UserError(f"Features are written to a file; {file} is a folder.")
    if file.suffix == ".csv":
        return CsvTable
    if file.suffix != ".parquet":
        raise UserError(f"Features are written as .csv or .parquet; {file} ends otherwise.")
    arrow()
    return ParquetTable


def arrow() -> Any:
    """pyarrow, with its Parquet.

    Raises:
        UserError: it is not installed.
    """
    try:
        import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise UserError(
            'A .parquet file needs pyarrow, which is not installed: pip install "pixvox[embed]". A '
            ".csv file needs nothing."
        ) from None
    return import_module("pyarrow")


def names_of(num_features: int) -> list[str]:
    """Columns of features.

    >>> names_of(3)
    ['f0000', 'f0001', 'f0002']
    """
    return [f"f{place:04d}" for place in range(num_features)]


class CsvTable:
    """Nine digits bring every float32 back; None is empty."""

    def __init__(self, stream: IO[bytes], words: Mapping[str, type], num_features: int) -> None:
        self.stream = stream
        self._write([[*words, *names_of(num_features)]])

    def add(self, words: Words, features: Tensor) -> None:
        """As :class:`Table`."""
        columns = zip(*words.values(), strict=True)
        self._write(
            [*said, *(f"{value:.9g}" for value in row)]
            for said, row in zip(columns, features.tolist(), strict=True)
        )

    def close(self) -> None:
        """Nothing is left."""

    def _write(self, rows: Any) -> None:
        pieces: list[str] = []
        writer = csv.writer(Lines(pieces), lineterminator="\n")
        writer.writerows(rows)
        self.stream.write("".join(pieces).encode())


class Lines:
    """What ``csv`` writes to, kept as a list."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


class ParquetTable:
    """Row groups of 4,096 rows."""

    def __init__(self, stream: IO[bytes], words: Mapping[str, type], num_features: int) -> None:
        self.arrow = pyarrow = arrow()
        kinds = {str: pyarrow.string(), int: pyarrow.int64()}
        columns = {name: kinds[kind] for name, kind in words.items()}
        columns |= dict.fromkeys(names_of(num_features), pyarrow.float32())
        self.schema = pyarrow.schema(list(columns.items()))
        self.writer = pyarrow.parquet.ParquetWriter(stream, self.schema)
        self.words: dict[str, list[Any]] = {name: [] for name in words}
        self.features: list[Tensor] = []

    def add(self, words: Words, features: Tensor) -> None:
        """As :class:`Table`."""
        for name, entries in words.items():
            self.words[name].extend(entries)
        self.features.append(features)
        if sum(map(len, self.features)) >= ROWS_AT_ONCE:
            self._write()

    def close(self) -> None:
        """Write the last group, and the end of the file."""
        if self.features:
            self._write()
        self.writer.close()

    def _write(self) -> None:
        columns = [*self.words.values(), *torch.cat(self.features).T.contiguous().numpy()]
        arrays = [
            self.arrow.array(column, type=field.type)
            for column, field in zip(columns, self.schema, strict=True)
        ]
        self.writer.write_table(self.arrow.Table.from_arrays(arrays, schema=self.schema))
        self.words = {name: [] for name in self.words}
        self.features = []
