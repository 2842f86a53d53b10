"""A user's own folder of NIfTI volumes, brought to one box and one scale once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, decode, files_below, folder_of, some
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.source_spec import spell_source
from pixvox_registry.volume import MODALITIES, SUFFIXES, read_volume

VERSION = "1"  # of the cache; raise it when reading changes


@SOURCES.register
class Nifti:
    """All volumes of a folder and its sub-folders, in 3D, each a cube of one channel.

    Axes are canonical (slices from inferior to superior come first), voxels have one spacing, and
    intensities one scale. They are read the first time and memory-mapped after that; the cache
    lies in ``$PIXVOX_CACHE/nifti`` and may be deleted.

    Args:
        path: the folder; its files end in .nii or .nii.gz.
        volume_size: side of the cube in voxels.
        spacing_mm: of the voxels, along every axis; none keeps them as they are.
        modality: ``mr`` (z-score over the foreground) or ``ct`` (a window of Hounsfield units).
        splits: a JSON file that maps names of splits to lists of cases; by default all are train.
        skip_broken: leave out files that cannot be read; otherwise they are an error.
    """

    dims: int = 3

    def __init__(
        self,
        path: str,
        *,
        volume_size: int = 48,
        spacing_mm: float | None = 1.0,
        modality: str = "mr",
        splits: str | None = None,
        skip_broken: bool = False,
    ) -> None:
        self.path = path
        self.volume_size = volume_size
        self.spacing_mm = spacing_mm
        self.modality = modality
        self.list = splits
        self.skip_broken = skip_broken

    @property
    def splits(self) -> tuple[str, ...]:
        """As the file of splits names them."""
        return tuple(self._listed()) or ("train",)

    @property
    def name(self) -> str:
        """As written on the command line."""
        settings = {
            "volume_size": self.volume_size,
            "spacing_mm": self.spacing_mm,
            "modality": self.modality,
            "splits": self.list,
            "skip_broken": self.skip_broken,
        }
        return spell_source("nifti", str(self.path), settings, Nifti)

    def cases(self, split: str) -> Cases:
        """Volumes of a split as ``[N, 1, S, S, S]`` float16; ids are their relative paths.

        Raises:
            UserError: the split or a case that it lists does not exist.
        """
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        decoded = self._decoded()
        rows = self._rows(split, decoded.files)
        images = decoded.images
        spacing = None if self.spacing_mm is None else (self.spacing_mm,) * 3
        return Cases(
            images=images if len(rows) == len(images) else images[rows],
            ids=tuple(decoded.files[row] for row in rows),
            spacing_mm=spacing,
            value_range=MODALITIES[self.modality],
        )

    def facts(self) -> Mapping[str, Any]:
        """The digest covers voxels, names and splits; nobody else vouches for them."""
        return {
            "dataset": f"nifti:{self._root().name}",
            "version": "unknown",
            "licence": "unknown",
            "verified": False,
            "sha256": fingerprint([self._decoded().sha256, self._listed()]),
        }

    def _root(self) -> Path:
        return folder_of(self.path, "nifti")

    def _files(self) -> list[str]:
        return files_below(self._root(), SUFFIXES)

    def _listed(self) -> dict[str, list[str]]:
        if self.list is None:
            return {}
        file = Path(self.list).expanduser()
        try:
            listed = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise UserError(f"splits={file} is no JSON file that can be read: {error}") from None
        if not isinstance(listed, dict) or not all(isinstance(v, list) for v in listed.values()):
            raise UserError(f"splits={file} must map names of splits to lists of cases.")
        return listed

    def _rows(self, split: str, files: tuple[str, ...]) -> list[int]:
        """Places of a split's cases, which are listed by file or by its name without suffix."""
        if self.list is None:
            return list(range(len(files)))
        place = {stem_of(file): row for row, file in enumerate(files)}
        place |= {file: row for row, file in enumerate(files)}
        wanted = self._listed()[split]
        if lost := [case for case in wanted if case not in place]:
            raise UserError(
                f"Split {split!r} of {self.list} lists {some(lost)}, which {self._root()} lacks."
            )
        return [place[case] for case in wanted]

    def _decoded(self) -> Decoded:
        if self.modality not in MODALITIES:
            raise unknown("modality", self.modality, MODALITIES)
        size = self.volume_size
        settings = {
            "volume_size": size,
            "spacing_mm": self.spacing_mm,
            "modality": self.modality,
            "version": VERSION,
        }
        read = partial(read_volume, size=size, spacing_mm=self.spacing_mm, modality=self.modality)
        return decode(
            "nifti",
            self._root(),
            self._files(),
            read,
            dtype="float16",
            settings=settings,
            skip_broken=self.skip_broken,
        )


def stem_of(file: str) -> str:
    """
    >>> stem_of("imagesTr/hippocampus_001.nii.gz")
    'hippocampus_001'
    """
    name = file.rpartition("/")[2]
    return name.removesuffix(".gz").removesuffix(".nii")
