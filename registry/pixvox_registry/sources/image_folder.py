"""A user's own folder of images, decoded once into a cache on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from pixvox_registry import SOURCES
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, decode, files_below, folder_of, some
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.picture import SUFFIXES, read_picture
from pixvox_registry.source_spec import spell_source

VERSION = "1"  # of the cache; raise it when decoding changes


@SOURCES.register
class ImageFolder:
    """All images of a folder and its sub-folders, in 2D, each resized and cut to a square.

    They are decoded the first time and read from the cache after that; a changed file, size or
    setting is decoded anew. The cache lies in ``$PIXVOX_CACHE/image_folder`` and may be deleted.

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
        """All images as ``[N, C, H, W]`` uint8, on disk; ids are their relative paths."""
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        decoded = self._decoded()
        labels = {}
        if self.labelled:
            place = {name: row for row, name in enumerate(self.classes)}
            named = self._classes_of(decoded.files)
            labels = {"class": torch.tensor([place[name] for name in named])}
        return Cases(images=decoded.stored, ids=decoded.files, labels=labels)

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
        return folder_of(self.path, "image_folder")

    def _files(self) -> list[str]:
        return files_below(self._root(), SUFFIXES)

    def _classes_of(self, files: Sequence[str]) -> list[str]:
        loose = [file for file in files if "/" not in file]
        if loose:
            raise UserError(
                f"labelled=true takes the label from the sub-folder; {self._root()} holds "
                f"{some(loose)} in none."
            )
        return [file.partition("/")[0] for file in files]

    def _decoded(self) -> Decoded:
        """From the cache, or decoded now."""
        if self.channels not in (1, 3) or self.image_size < 1:
            raise UserError(
                f"image_folder makes 1 or 3 channels and an image_size of at least 1; "
                f"{self.channels} and {self.image_size} came."
            )
        return decode(
            "image_folder",
            self._root(),
            self._files(),
            partial(read_picture, channels=self.channels, size=self.image_size),
            dtype="uint8",
            settings={
                "channels": self.channels,
                "image_size": self.image_size,
                "version": VERSION,
            },
            skip_broken=self.skip_broken,
        )
