"""Decoded: files brought to one shape once, and memory-mapped from then on."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixvox_registry.artifacts import canonical_json, fingerprint, publish_folder
from pixvox_registry.console import progress
from pixvox_registry.errors import UserError
from pixvox_registry.places import cache_root

TOGETHER = 512  # files decoded before they are written
INDEX = "index.json"
TYPES = {"uint8": torch.uint8, "float16": torch.float16}
Read = Callable[[Path], NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What the cache holds: good files in order, the reasons of the broken ones, a digest."""

    folder: Path
    dtype: str
    shape: tuple[int, ...]  # [N, C, *S]
    files: tuple[str, ...]
    broken: Mapping[str, str]
    sha256: str

    @property
    def images(self) -> Tensor:
        """``[N, C, *S]``; what is written to the tensor never reaches the file."""
        flat = torch.from_file(
            str(self.folder / f"images.{self.dtype}"),
            shared=False,
            size=math.prod(self.shape),
            dtype=TYPES[self.dtype],
        )
        return flat.view(self.shape)


def decode(
    kind: str,
    root: Path,
    files: Sequence[str],
    read: Read,
    *,
    shape: Sequence[int],
    dtype: str,
    settings: Mapping[str, Any],
    skip_broken: bool,
) -> Decoded:
    """From the cache ``$PIXVOX_CACHE/kind``, or decoded now, with a progress bar.

    A changed file or setting is decoded anew.

    Args:
        files: below ``root``, in the order in which they are kept.
        read: a file to its pixels ``[C, *S]``; whatever it raises makes the file broken.
        shape: ``[C, *S]`` of every file.
        settings: what decides the pixels, with the version of the code that reads.

    Raises:
        UserError: some files are broken and ``skip_broken`` is off, or all are.
    """
    states = [(file, (root / file).stat()) for file in files]
    listed = [[file, state.st_size, state.st_mtime_ns] for file, state in states]
    key = fingerprint([str(root), listed, list(shape), dtype, dict(settings)])
    folder = cache_root() / kind / key[:32]
    decoded = _cached(folder)
    if decoded is None:
        publish_folder(folder, partial(_fill, root, files, read, tuple(shape), dtype))
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
    shape: tuple[int, ...],
    dtype: str,
    folder: Path,
) -> None:
    """Fill ``folder`` with the pixels of the good files and an index."""
    good, broken, seen = [], {}, sha256()
    with (folder / f"images.{dtype}").open("wb") as stream:
        for file, pixels in _read_all(root, files, read):
            if isinstance(pixels, str):
                broken[file] = pixels
                continue
            good.append(file)
            content = pixels.astype(dtype, copy=False).tobytes()
            seen.update(content)
            stream.write(content)
    seen.update(canonical_json(good))
    index = {
        "dtype": dtype,
        "shape": [len(good), *shape],
        "files": good,
        "broken": broken,
        "sha256": seen.hexdigest(),
    }
    (folder / INDEX).write_bytes(canonical_json(index))


def _read_all(
    root: Path, files: Sequence[str], read: Read
) -> Iterator[tuple[str, NDArray[Any] | str]]:
    """Each file in order with its pixels, or with the reason why it has none."""

    def attempt(file: str) -> NDArray[Any] | str:
        try:
            return read(root / file)
        except Exception as error:  # decoders raise whatever they like on a broken file
            said = (
                str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            )
            return said.replace(str(root / file), "the file")

    with progress() as bar, ThreadPoolExecutor() as pool:
        task = bar.add_task("decoding", total=len(files))
        for start in range(0, len(files), TOGETHER):
            batch = files[start : start + TOGETHER]
            for file, pixels in zip(batch, pool.map(attempt, batch), strict=True):
                yield file, pixels
                bar.advance(task)


def _cached(folder: Path) -> Decoded | None:
    """What ``folder`` holds; None where it is absent or does not fit its own index."""
    try:
        index = json.loads((folder / INDEX).read_bytes())
        decoded = Decoded(
            folder=folder,
            dtype=index["dtype"],
            shape=tuple(index["shape"]),
            files=tuple(index["files"]),
            broken=index["broken"],
            sha256=index["sha256"],
        )
        size = math.prod(decoded.shape) * np.dtype(decoded.dtype).itemsize
        whole = (folder / f"images.{decoded.dtype}").stat().st_size == size
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return decoded if whole else None
