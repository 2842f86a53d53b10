"""Tasks of the Medical Segmentation Decathlon as they are unpacked (arXiv:2106.05735)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, decode
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.places import data_root
from pixvox_registry.scans import Scan, Scans
from pixvox_registry.source_spec import spell_source
from pixvox_registry.volume import MODALITIES, read_mask, read_volume

VERSION = "1"  # of the cache; raise it when reading changes


@SOURCES.register
class Msd:
    """Volumes with masks from ``$PIXVOX_DATA/{task}``, in 3D, each a cube of one channel.

    The cases are those that ``dataset.json`` lists for training; other files are ignored. Read as
    ``nifti`` reads, kept in ``$PIXVOX_CACHE/msd``.

    Args:
        task: name of the folder, for example Task04_Hippocampus.
        volume_size: side of the cube in voxels.
        spacing_mm: of the voxels, along every axis.
    """

    dims: int = 3

    def __init__(self, task: str, *, volume_size: int = 48, spacing_mm: float = 1.0) -> None:
        self.task = task
        self.volume_size = volume_size
        self.spacing_mm = spacing_mm

    @property
    def name(self) -> str:
        """As written on the command line."""
        settings = {"volume_size": self.volume_size, "spacing_mm": self.spacing_mm}
        return spell_source("msd", self.task, settings, Msd)

    @property
    def splits(self) -> tuple[str, ...]:
        """As ``splits.json`` names them, if it lies there: the Decathlon keeps its test labels."""
        return tuple(self._listed) or ("train",)

    def cases(self, split: str) -> Cases:
        """Volumes ``[N, 1, S, S, S]`` float16 and masks; label ``volume_mm3`` of what they hold.

        Raises:
            UserError: the split, the folder or a case that is listed does not exist.
        """
        rows = self._rows(split)
        size = self.volume_size
        masks = self._masks(size).images[rows][:, 0]
        voxel = self.spacing_mm**3
        inside = (masks > 0).flatten(1).sum(1)
        return Cases(
            images=self._images(size).images[rows],
            ids=self._ids(rows),
            labels={"volume_mm3": (inside * voxel).round().to(torch.int64)},
            masks=masks,
            spacing_mm=(self.spacing_mm,) * 3,
            value_range=MODALITIES[self._modality],
        )

    def scans(self, split: str) -> Scans:
        """Whole volumes with masks, at the same spacing.

        Raises:
            UserError: as :meth:`cases`.
        """
        rows = self._rows(split)
        images, masks = self._images(None), self._masks(None)

        def read(row: int) -> Scan:
            return Scan(
                id=ids[row],
                image=images.image(rows[row]),
                mask=masks.image(rows[row])[0],
                spacing_mm=(self.spacing_mm,) * 3,
            )

        ids = self._ids(rows)
        return Scans(
            read=read,
            ids=ids,
            dims=3,
            in_channels=1,
            files=tuple(str(self._root / images.files[row]) for row in rows),
            value_range=MODALITIES[self._modality],
        )

    def facts(self) -> Mapping[str, Any]:
        """The digest covers voxels, masks and splits; the licence is what the data set says."""
        size = self.volume_size
        digests = [self._images(size).sha256, self._masks(size).sha256, self._listed]
        return {
            "dataset": f"msd:{self.task}",
            "version": "unknown",
            "licence": str(self._described.get("licence", "unknown")),
            "verified": False,
            "sha256": fingerprint(digests),
        }

    @property
    def _root(self) -> Path:
        return data_root() / self.task

    @cached_property
    def _described(self) -> dict[str, Any]:
        return _json(self._root / "dataset.json")

    @cached_property
    def _listed(self) -> dict[str, list[str]]:
        file = self._root / "splits.json"
        return _json(file) if file.exists() else {}

    @cached_property
    def _pairs(self) -> dict[str, tuple[str, str]]:
        """``{case: (image, mask)}``, relative paths in the order of dataset.json."""
        pairs = {}
        for entry in self._described.get("training", []):
            image, mask = (str(Path(entry[what])) for what in ("image", "label"))
            pairs[Path(image).name.removesuffix(".gz").removesuffix(".nii")] = (image, mask)
        if not pairs:
            raise UserError(f"{self._root / 'dataset.json'} lists no training cases.")
        return pairs

    def _rows(self, split: str) -> list[int]:
        """Places of a split's cases among those of dataset.json."""
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        ids = list(self._pairs)
        wanted = self._listed.get(split, ids)
        if lost := sorted(set(wanted) - set(ids)):
            raise UserError(f"splits.json of {self.task} lists {lost[:5]}; dataset.json does not.")
        return [ids.index(case) for case in wanted]

    def _ids(self, rows: list[int]) -> tuple[str, ...]:
        ids = list(self._pairs)
        return tuple(ids[row] for row in rows)

    def _images(self, size: int | None) -> Decoded:
        read = partial(read_volume, size=size, spacing_mm=self.spacing_mm, modality=self._modality)
        return self._decoded([image for image, _ in self._pairs.values()], read, "float16", size)

    def _masks(self, size: int | None) -> Decoded:
        read = partial(read_mask, size=size, spacing_mm=self.spacing_mm)
        return self._decoded([mask for _, mask in self._pairs.values()], read, "uint8", size)

    def _decoded(self, files: list[str], read: Any, dtype: str, size: int | None) -> Decoded:
        settings = {
            "volume_size": size,
            "spacing_mm": self.spacing_mm,
            "modality": self._modality,
            "version": VERSION,
        }
        return decode(
            "msd",
            self._root,
            files,
            read,
            dtype=dtype,
            settings=settings,
            skip_broken=False,
        )

    @property
    def _modality(self) -> str:
        said = str(self._described.get("modality", {}).get("0", "MRI"))
        return "ct" if said.upper() == "CT" else "mr"


def _json(file: Path) -> dict[str, Any]:
    """
    Raises:
        UserError: it is missing, or no mapping.
    """
    try:
        held = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f"{file} cannot be read: {error}. Unpack the task below PIXVOX_DATA."
        ) from None
    if not isinstance(held, dict):
        raise UserError(f"{file} must hold a mapping.")
    return held
