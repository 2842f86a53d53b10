"""A user's own folder of images, decoded once into a memory-mapped cache."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import canonical_json, fingerprint, publish_folder
from pixvox_registry.cases import Cases
from pixvox_registry.console import progress
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.picture import SUFFIXES, read_picture
from pixvox_registry.places import cache_root
from pixvox_registry.source_spec import spell_source

VERSION = "1"  # of the cache; raise it when decoding changes
TOGETHER = 512  # files decoded before they are written
PIXELS, INDEX = "images.uint8", "index.json"


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What the cache holds: good files in order, the reasons of the broken ones, a digest."""

    folder: Path
    shape: tuple[int, ...]  # [N, C, H, W]
    files: tuple[str, ...]
    broken: Mapping[str, str]
    sha256: str


@SOURCES.register
class ImageFolder:
    """All images of a folder and its sub-folders, in 2D, each resized and cut to a square.

    They are decoded the first time and memory-mapped after that; a changed file, size or setting
    is decoded anew. The cache lies in ``$PIXVOX_CACHE/image_folder`` and may be deleted.

    Args:
        path: the folder. Its files are png, jpg, tif, bmp, pgm, ppm or webp.
        image_size: side of the square in pixels.
        channels: 1 or 3.
        labelled: label ``class`` is the name of the first sub-folder.
        skip_broken: leave out files that cannot be read; otherwise they are an error.
    """

    dims: int = 2
    splits: tuple[str, ...] = ("train",)

    def __init__(
        self,
        path: str,
        *,
        image_size: int = 64,
        channels: int = 1,
        labelled: bool = False,
        skip_broken: bool = False,
    ) -> None:
        self.path = path
        self.image_size = image_size
        self.channels = channels
        self.labelled = labelled
        self.skip_broken = skip_broken

    @property
    def name(self) -> str:
        """As written on the command line."""
        names = ("image_size", "channels", "labelled", "skip_broken")
        settings = {name: getattr(self, name) for name in names}
        return spell_source("image_folder", str(self.path), settings, ImageFolder)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the first sub-folders, sorted; none unless ``labelled``."""
        return tuple(sorted(set(self._classes_of(self._files())))) if self.labelled else ()

    def cases(self, split: str) -> Cases:
        """All images as ``[N, C, H, W]`` uint8, memory-mapped; ids are their relative paths."""
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        decoded = self._decoded()
        images = torch.from_file(  # private: what is written to the tensor never reaches the file
            str(decoded.folder / PIXELS),
            shared=False,
            size=math.prod(decoded.shape),
            dtype=torch.uint8,
        )
        labels = {}
        if self.labelled:
            place = {name: row for row, name in enumerate(self.classes)}
            named = self._classes_of(decoded.files)
            labels = {"class": torch.tensor([place[name] for name in named])}
        return Cases(images=images.view(decoded.shape), ids=decoded.files, labels=labels)

    def facts(self) -> Mapping[str, Any]:
        """The digest covers the decoded images and their names; nobody else vouches for them."""
        return {
            "dataset": f"image_folder:{self._root().name}",
            "version": "unknown",
            "licence": "unknown",
            "verified": False,
            "sha256": self._decoded().sha256,
        }

    def _root(self) -> Path:
        root = Path(self.path).expanduser().resolve()
        if not root.is_dir():
            raise UserError(f"image_folder wants a folder; {root} is none. Check the path.")
        return root

    def _files(self) -> list[str]:
        """Relative paths of the images, sorted."""
        root = self._root()
        there = [file.relative_to(root) for file in root.rglob("*") if file.is_file()]
        seen = [file for file in there if not any(part.startswith(".") for part in file.parts)]
        files = [file.as_posix() for file in seen if file.suffix.lower() in SUFFIXES]
        if not files:
            others = Counter(file.suffix.lower() or "no suffix" for file in seen)
            found = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common(5))
            raise UserError(
                f"{root} holds no image; files that end in {', '.join(sorted(SUFFIXES))} were "
                f"looked for, {found or 'nothing'} was found."
            )
        return sorted(files)

    def _classes_of(self, files: Sequence[str]) -> list[str]:
        loose = [file for file in files if "/" not in file]
        if loose:
            raise UserError(
                f"labelled=true takes the label from the sub-folder; {self._root()} holds "
                f"{_some(loose)} in none."
            )
        return [file.partition("/")[0] for file in files]

    def _decoded(self) -> Decoded:
        """From the cache, or decoded now.

        Raises:
            UserError: some files are broken and ``skip_broken`` is off, or all are.
        """
        if self.channels not in (1, 3) or self.image_size < 1:
            raise UserError(
                f"image_folder makes 1 or 3 channels and an image_size of at least 1; "
                f"{self.channels} and {self.image_size} came."
            )
        root, files = self._root(), self._files()
        states = [(file, (root / file).stat()) for file in files]
        listed = [[file, state.st_size, state.st_mtime_ns] for file, state in states]
        key = fingerprint([VERSION, str(root), listed, self.image_size, self.channels])
        folder = cache_root() / "image_folder" / key[:32]
        decoded = _cached(folder)
        if decoded is None:
            publish_folder(folder, partial(self._decode, root, files))
            decoded = _cached(folder)
        if decoded is None:
            raise UserError(f"The cache {folder} changed while it was written. Try again.")
        if decoded.broken and not (self.skip_broken and decoded.files):
            reasons = _some([f"{file} ({reason})" for file, reason in decoded.broken.items()])
            raise UserError(
                f"{len(decoded.broken)} of {len(files)} images in {root} cannot be read: "
                f"{reasons}. Mend or remove them, or leave them out with skip_broken=true."
            )
        return decoded

    def _decode(self, root: Path, files: Sequence[str], folder: Path) -> None:
        """Fill ``folder`` with the pixels of the good files and an index."""
        good, broken, seen = [], {}, sha256()
        with (folder / PIXELS).open("wb") as stream:
            for file, pixels in self._read_all(root, files):
                if isinstance(pixels, str):
                    broken[file] = pixels
                    continue
                good.append(file)
                content = pixels.tobytes()
                seen.update(content)
                stream.write(content)
        seen.update(canonical_json(good))
        shape = [len(good), self.channels, self.image_size, self.image_size]
        index = {"shape": shape, "files": good, "broken": broken, "sha256": seen.hexdigest()}
        (folder / INDEX).write_bytes(canonical_json(index))

    def _read_all(
        self, root: Path, files: Sequence[str]
    ) -> Iterator[tuple[str, NDArray[np.uint8] | str]]:
        """Each file in order with its pixels, or with the reason why it has none."""

        def read(file: str) -> NDArray[np.uint8] | str:
            try:
                return read_picture(root / file, channels=self.channels, size=self.image_size)
            except Exception as error:  # decoders raise whatever they like on a broken file
                return f"{type(error).__name__}: {error}".replace(str(root / file), "the file")

        with progress() as bar, ThreadPoolExecutor() as pool:
            task = bar.add_task("decoding", total=len(files))
            for start in range(0, len(files), TOGETHER):
                some = files[start : start + TOGETHER]
                for file, pixels in zip(some, pool.map(read, some), strict=True):
                    yield file, pixels
                    bar.advance(task)


def _cached(folder: Path) -> Decoded | None:
    """What ``folder`` holds; None where it is absent or does not fit its own index."""
    try:
        index = json.loads((folder / INDEX).read_bytes())
        decoded = Decoded(
            folder=folder,
            shape=tuple(index["shape"]),
            files=tuple(index["files"]),
            broken=index["broken"],
            sha256=index["sha256"],
        )
        whole = (folder / PIXELS).stat().st_size == math.prod(decoded.shape)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return decoded if whole else None


def _some(words: Sequence[str]) -> str:
    """The first five, and how many more."""
    more = f" and {len(words) - 5} more" if len(words) > 5 else ""
    return ", ".join(words[:5]) + more
