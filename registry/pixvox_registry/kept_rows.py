"""Kept rows: rows of one shape, made once and taken from the cache from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cache_entry import FORMAT, INDEX, EntryWriter, keep
from pixvox_registry.console import progress
from pixvox_registry.places import cache_root
from pixvox_registry.stored import Stored

Make = Callable[[], Iterable[Tensor]]


def kept_rows(
    kind: str,
    facts: Sequence[Any],
    make: Make,
    *,
    count: int,
    each: Sequence[int],
    dtype: torch.dtype = torch.uint8,
    doing: str = "",
    about: Mapping[str, Any] = MappingProxyType({}),
) -> Stored:
    """``[count, *each]`` from ``$PIXVOX_CACHE/kind``, or made now.

    Args:
        facts: whatever decides the rows, as JSON has it, with the version of the code.
        make: yields the rows in pieces ``[R, *each]``.
        dtype: uint8 or float16.
        doing: what the progress bar says; without it there is none.
        about: what the entry notes: the ``root`` it is made from, without which it is stale, and
            the ``files`` below it.

    Raises:
        Exception: whatever ``make`` raises; then nothing is kept.
    """
    each = tuple(each)
    key = fingerprint([FORMAT, *facts, list(each), count, str(dtype)])
    fill = partial(_fill, make, count, dtype, doing, about)
    entry = keep(cache_root() / kind / key[:32], fill)
    return Stored(entry.content, dtype, each, range(count))


def _fill(
    make: Make, count: int, dtype: torch.dtype, doing: str, about: Mapping[str, Any], folder: Path
) -> None:
    name = str(dtype).removeprefix("torch.")
    with (
        (folder / f"images.{name}").open("wb") as stream,
        progress(quiet=not doing) as bar,
    ):
        writer, task = EntryWriter(stream, name), bar.add_task(doing, total=count)
        for piece in make():
            writer.extend(piece.numpy())
            bar.advance(task, len(piece))
    (folder / INDEX).write_bytes(writer.index(about, [writer.shapes]))
