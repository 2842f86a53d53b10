"""One entry of the cache: rows in a file and an index, written once, whole or absent."""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.artifacts import canonical_json, publish_folder
from pixvox_registry.errors import UserError
from pixvox_registry.open_file import OpenFile

INDEX = "index.json"
FORMAT = 2  # of an entry
TRIES = 3  # before whoever cleans all the time is told on
DTYPES = ("uint8", "float16")


@dataclass(frozen=True)
class Entry:
    """An entry that is whole. Its file is open, so it outlives its own removal.

    Args:
        shapes: of each row.
        about: whatever its writer noted.
    """

    dtype: str
    shapes: tuple[tuple[int, ...], ...]
    sha256: str
    about: Mapping[str, Any]
    content: OpenFile


class EntryWriter:
    """Writes the rows of an entry, one after the other, and its index.

    Args:
        stream: the file of the rows.
    """

    def __init__(self, stream: BinaryIO, dtype: str) -> None:
        self.stream, self.dtype = stream, dtype
        self.shapes: list[list[int]] = []
        self._seen = sha256()

    def add(self, row: NDArray[Any]) -> None:
        """The next row, in the type of the entry."""
        self.extend(row[None])

    def extend(self, rows: NDArray[Any]) -> None:
        """The next rows, of one shape."""
        content = rows.astype(self.dtype, copy=False).tobytes()
        self._seen.update(content)
        self.stream.write(content)
        self.shapes += [list(rows.shape[1:])] * len(rows)

    def index(self, about: Mapping[str, Any], vouched: Sequence[Any]) -> bytes:
        """What is written of the rows; their digest covers what is ``vouched`` for beside them."""
        self._seen.update(canonical_json(vouched))
        digest = self._seen.hexdigest()
        return canonical_json(
            {**about, "dtype": self.dtype, "shapes": self.shapes, "sha256": digest}
        )


def keep(folder: Path, fill: Callable[[Path], None]) -> Entry:
    """The entry of a folder; where there is none, ``fill`` writes it, and it appears as a whole.

    Raises:
        UserError: time and again, somebody takes away what had been written.
    """
    entry = open_entry(folder)
    for _ in range(TRIES):
        entry = entry or _written(folder, fill)
    if entry is None:
        raise UserError(
            f"{folder} was written {TRIES} times and went away each time before it could be read. "
            "Find out what cleans or changes the cache, or let PIXVOX_CACHE be another folder."
        )
    return entry


def _written(folder: Path, fill: Callable[[Path], None]) -> Entry | None:
    """While it is written its temporary folder is locked, so that who cleans sees a writer at work;
    from then on its rows are, until they are opened under their name.
    """
    with ExitStack() as held:
        read: list[OpenFile] = []

        def locked(temporary: Path) -> None:
            held.enter_context(claimed(temporary))
            fill(temporary)
            read.append(OpenFile(content_of(temporary)))

        publish_folder(folder, locked)
        return open_entry(folder)


def open_entry(folder: Path, *, stamp: bool = True) -> Entry | None:
    """What ``folder`` holds; None where it does not fit its own index.

    Args:
        stamp: it counts as used now.
    """
    try:
        about = json.loads((folder / INDEX).read_bytes())
        entry = Entry(
            dtype=about.pop("dtype"),
            shapes=tuple(tuple(shape) for shape in about.pop("shapes")),
            sha256=about.pop("sha256"),
            about=about,
            content=OpenFile(content_of(folder)),
        )
        values = sum(math.prod(shape) for shape in entry.shapes)
        whole = entry.content.size == values * np.dtype(entry.dtype).itemsize
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if stamp:
        with suppress(OSError):  # a cache that others share may be read-only
            os.utime(folder / INDEX)
    return entry if whole else None


def content_of(folder: Path) -> Path:
    """The file of an entry's rows.

    Raises:
        FileNotFoundError: there is none.
    """
    for dtype in DTYPES:
        if (file := folder / f"images.{dtype}").is_file():
            return file
    raise FileNotFoundError(folder)


@contextmanager
def claimed(place: Path) -> Iterator[bool]:
    """Alone with a file or folder; False where somebody holds it, or nobody can tell."""
    handle = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except OSError:
        alone = False
    try:
        yield alone
    finally:
        os.close(handle)
