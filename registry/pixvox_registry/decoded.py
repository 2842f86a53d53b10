"""Decoded: files read and brought to one form once, and taken from a cache from then on."""

from __future__ import annotations

import json
import math
import os
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixvox_registry.artifacts import canonical_json, fingerprint, publish_folder
from pixvox_registry.console import progress
from pixvox_registry.errors import UserError
from pixvox_registry.places import cache_root

AHEAD = 4  # files for each thread that may wait, decoded, to be written
INDEX = "index.json"
FORMAT = 2  # of the cache
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

    folder: Path
    dtype: str
    shapes: tuple[tuple[int, ...], ...]
    facts: tuple[Mapping[str, Any], ...]
    files: tuple[str, ...]
    broken: Mapping[str, str]
    sha256: str

    @property
    def images(self) -> Tensor:
        """``[N, C, *S]`` of files of one shape; what is written to it never reaches the cache."""
        flat = torch.from_file(
            str(self._content),
            shared=False,
            size=sum(math.prod(shape) for shape in self.shapes),
            dtype=TYPES[self.dtype],
        )
        return flat.view(len(self.files), *self.shapes[0])

    def image(self, row: int) -> Tensor:
        """``[C, *S]`` of one file, read now: nothing stays in memory when it is dropped."""
        item = np.dtype(self.dtype).itemsize
        before = sum(math.prod(shape) for shape in self.shapes[:row])
        shape = self.shapes[row]
        flat = np.fromfile(self._content, self.dtype, count=math.prod(shape), offset=before * item)
        return torch.from_numpy(flat).view(shape)

    @property
    def _content(self) -> Path:
        return self.folder / f"images.{self.dtype}"


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
    states = [(file, (root / file).stat()) for file in files]
    listed = [[file, state.st_size, state.st_mtime_ns] for file, state in states]
    key = fingerprint([FORMAT, str(root), listed, dtype, dict(settings)])
    folder = cache_root() / kind / key[:32]
    decoded = _cached(folder)
    if decoded is None:
        publish_folder(folder, partial(_fill, root, files, read, describe, dtype))
        decoded = _cached(folder)
    if decoded is None:
        raise UserError(f"The cache {folder} changed while it was written. Try again.")
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
        UserError: it is none.
    """
    root = Path(path).expanduser().resolve()
    if not root.is_dir():
        raise UserError(f"{kind} wants a folder; {root} is none. Check the path.")
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
    good, shapes, facts, broken, seen = [], [], [], {}, sha256()
    with (folder / f"images.{dtype}").open("wb") as stream:
        for file, answer in _read_all(root, files, lambda path: (read(path), describe(path))):
            if isinstance(answer, str):
                broken[file] = answer
                continue
            pixels, told = answer
            good.append(file)
            shapes.append(list(pixels.shape))
            facts.append(told)
            content = pixels.astype(dtype, copy=False).tobytes()
            seen.update(content)
            stream.write(content)
    seen.update(canonical_json([good, shapes, facts]))
    index = {
        "dtype": dtype,
        "shapes": shapes,
        "facts": facts,
        "files": good,
        "broken": broken,
        "sha256": seen.hexdigest(),
    }
    (folder / INDEX).write_bytes(canonical_json(index))


def _read_all(
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


def _cached(folder: Path) -> Decoded | None:
    """What ``folder`` holds; None where it is absent or does not fit its own index."""
    try:
        index = json.loads((folder / INDEX).read_bytes())
        decoded = Decoded(
            folder=folder,
            dtype=index["dtype"],
            shapes=tuple(tuple(shape) for shape in index["shapes"]),
            facts=tuple(index["facts"]),
            files=tuple(index["files"]),
            broken=index["broken"],
            sha256=index["sha256"],
        )
        pixels = sum(math.prod(shape) for shape in decoded.shapes)
        size = pixels * np.dtype(decoded.dtype).itemsize
        whole = decoded._content.stat().st_size == size
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return decoded if whole else None
