"""Decoded: files read and brought to one form once, and taken from a cache from then on."""

from __future__ import annotations

import math
import os
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cache_entry import FORMAT, INDEX, EntryWriter, keep
from pixvox_registry.console import progress
from pixvox_registry.errors import NoData, UserError
from pixvox_registry.open_file import OpenFile
from pixvox_registry.places import cache_root
from pixvox_registry.stored import Stored, fill

AHEAD = 4  # files for each thread that may wait, decoded, to be written
TYPES = {"uint8": torch.uint8, "float16": torch.float16}
Read = Callable[[Path], NDArray[Any]]
Describe = Callable[[Path], dict[str, Any]]
Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What the cache holds: good files in order, the reasons of the broken ones, a digest.

    Args:
        shapes: ``[C, *S]`` of each file.
        facts: what was said of each file beside its pixels.
    """

    dtype: str
    shapes: tuple[tuple[int, ...], ...]
    facts: tuple[Mapping[str, Any], ...]
    files: tuple[str, ...]
    broken: Mapping[str, str]
    sha256: str
    content: OpenFile

    @property
    def stored(self) -> Stored:
        """``[N, C, *S]`` of files of one shape; a row is read when it is asked for."""
        return Stored(self.content, TYPES[self.dtype], self.shapes[0], range(len(self.files)))

    @property
    def masks(self) -> Stored:
        """``[N, *S]`` of label maps of one shape, their one channel left out."""
        images = self.stored
        return replace(images, each=images.each[1:])

    def image(self, row: int) -> Tensor:
        """``[C, *S]`` of one file, read now: nothing stays in memory when it is dropped."""
        image = torch.empty(self.shapes[row], dtype=TYPES[self.dtype])
        fill(image, self.content, self._starts[row] * image.element_size())
        return image

    @cached_property
    def _starts(self) -> list[int]:
        """Values before each row, and of all."""
        return [0, *accumulate(math.prod(shape) for shape in self.shapes)]


def decode(
    kind: str,
    root: Path,
    files: Sequence[str],
    read: Read,
    *,
    dtype: str,
    settings: Mapping[str, Any],
    skip_broken: bool,
    describe: Describe = lambda _: {},
) -> Decoded:
    """From the cache ``$PIXVOX_CACHE/kind``, or decoded now, with a progress bar.

    A changed file or setting is decoded anew.

    Args:
        files: below ``root``, in the order in which they are kept.
        read: a file to its pixels ``[C, *S]``; whatever it raises makes the file broken.
        settings: what decides the pixels, with the version of the code that reads.
        describe: a file to further facts of it, as JSON has them.

    Raises:
        UserError: some files are broken and ``skip_broken`` is off, or all are.
    """
    try:
        states = [(file, (root / file).stat()) for file in files]
    except OSError as error:
        raise UserError(
            f"{error.filename} is listed and cannot be read: {error.strerror}."
        ) from None
    listed = [[file, state.st_size, state.st_mtime_ns] for file, state in states]
    key = fingerprint([FORMAT, str(root), listed, dtype, dict(settings)])
    folder = cache_root() / kind / key[:32]
    entry = keep(folder, partial(_fill, root, files, read, describe, dtype))
    decoded = Decoded(
        dtype=entry.dtype,
        shapes=entry.shapes,
        facts=tuple(entry.about["facts"]),
        files=tuple(entry.about["files"]),
        broken=entry.about["broken"],
        sha256=entry.sha256,
        content=entry.content,
    )
    if decoded.broken and not (skip_broken and decoded.files):
        reasons = some([f"{file} ({reason})" for file, reason in decoded.broken.items()])
        raise UserError(
            f"{len(decoded.broken)} of {len(files)} images in {root} cannot be read: "
            f"{reasons}. Mend or remove them, or leave them out with skip_broken=true."
        )
    return decoded


def folder_of(path: str, kind: str) -> Path:
    """The folder that a source names.

    Raises:
        NoData: it is none.
    """
    root = Path(path).expanduser().resolve()
    if not root.is_dir():
        raise NoData(f"{kind} wants a folder; {root} is none. Check the path.")
    return root


def files_below(root: Path, suffixes: Collection[str]) -> list[str]:
    """Relative paths of the files with such names, sorted; hidden ones are left out.

    Raises:
        UserError: there are none; says what was found instead.
    """
    there = [file.relative_to(root) for file in root.rglob("*") if file.is_file()]
    seen = [file for file in there if not any(part.startswith(".") for part in file.parts)]
    wanted = tuple(sorted(suffixes))
    files = [file.as_posix() for file in seen if file.name.lower().endswith(wanted)]
    if not files:
        others = Counter(file.suffix.lower() or "no suffix" for file in seen)
        found = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common(5))
        raise UserError(
            f"{root} holds no image; files that end in {', '.join(wanted)} were looked for, "
            f"{found or 'nothing'} was found."
        )
    return sorted(files)


def some(words: Sequence[str]) -> str:
    """The first five, and how many more."""
    more = f" and {len(words) - 5} more" if len(words) > 5 else ""
    return ", ".join(words[:5]) + more


def _fill(
    root: Path,
    files: Sequence[str],
    read: Read,
    describe: Describe,
    dtype: str,
    folder: Path,
) -> None:
    """Fill ``folder`` with the pixels of the good files and an index."""
    good, facts, broken = [], [], {}
    with (folder / f"images.{dtype}").open("wb") as stream:
        writer = EntryWriter(stream, dtype)
        for file, answer in read_all(root, files, lambda path: (read(path), describe(path))):
            if isinstance(answer, str):
                broken[file] = answer
                continue
            pixels, told = answer
            good.append(file)
            facts.append(told)
            writer.add(pixels)
    about = {"root": str(root), "files": good, "facts": facts, "broken": broken}
    (folder / INDEX).write_bytes(writer.index(about, [good, writer.shapes, facts]))


def read_all(
    root: Path, files: Sequence[str], read: Callable[[Path], Answer]
) -> Iterator[tuple[str, Answer | str]]:
    """Each file in order with what was read, or with the reason why there is nothing."""

    def attempt(file: str) -> Answer | str:
        try:
            return read(root / file)
        except Exception as error:  # decoders raise whatever they like on a broken file
            said = (
                str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            )
            return said.replace(str(root / file), "the file")

    threads = os.cpu_count() or 1
    with progress() as bar, ThreadPoolExecutor(threads) as pool:
        task = bar.add_task("decoding", total=len(files))
        under_way: deque[tuple[str, Future[Answer | str]]] = deque()
        for file in files:
            under_way.append((file, pool.submit(attempt, file)))
            if len(under_way) >= AHEAD * threads:
                first, answer = under_way.popleft()
                yield first, answer.result()
                bar.advance(task)
        for first, answer in under_way:
            yield first, answer.result()
            bar.advance(task)
