"""Tasks of the Medical Segmentation Decathlon as they are unpacked (arXiv:2106.05735)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import torch

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.errors import UserError
from pixvox_registry.listing import read_json, rows_of, stem_of
from pixvox_registry.places import data_root
from pixvox_registry.scans import Scans
from pixvox_registry.source_spec import spell_source
from pixvox_registry.stored import pieces
from pixvox_registry.volumes import Member, Volumes

REMEDY = "Unpack the task below PIXVOX_DATA."


@SOURCES.register
class Msd:
    """Volumes with masks from ``$PIXVOX_DATA/{task}``, in 3D, each a cube.

    The cases are those that ``dataset.json`` lists for training; other files are ignored. Each
    modality that it names is a channel, windowed if it is CT and standardised otherwise. Read as
    ``nifti`` reads, kept in ``$PIXVOX_CACHE/msd``. As a line: ``msd:Task09_Spleen,spacing_mm=2``.

    Args:
        task: name of the folder, for example Task04_Hippocampus.
        volume_size: side of the cube in voxels.
        spacing_mm: of the voxels, along every axis; none keeps them as they are.
    """

    dims: int = 3

    def __init__(self, task: str, *, volume_size: int = 48, spacing_mm: float | None = 1.0) -> None:
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

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the modalities, in their order."""
        said = self._described.get("modality") or {"0": "MRI"}
        return tuple(str(name) for _, name in _by_number(said, self._root))

    @cached_property
    def structures(self) -> tuple[str, ...]:
        """Names of the labels from 1 on."""
        named = _by_number(self._described.get("labels") or {}, self._root)
        return tuple(str(name) for label, name in named if label > 0)

    def cases(self, split: str) -> Cases:
        """Volumes ``[N, C, S, S, S]`` float16 and masks; label ``volume_mm3`` of what they hold.

        Raises:
            NoData: the folder does not exist.
            UserError: the split or a case that is listed does not exist, or a mask does not fit.
        """
        rows, size = self._rows(split), self.volume_size
        cases = self._volumes.cases(rows, size, masks=True)
        voxel = torch.from_numpy(self._volumes.voxel_mm3(rows, size))
        masks = cases.masks
        assert masks is not None  # masks=True
        inside = torch.cat([(piece > 0).flatten(1).sum(1) for piece in pieces(masks)])
        return replace(cases, labels={"volume_mm3": (inside * voxel).round().to(torch.int64)})

    def scans(self, split: str) -> Scans:
        """Whole volumes with masks, at the same spacing or, with ``spacing_mm=none``, their own.

        Raises:
            UserError: as :meth:`cases`.
        """
        return self._volumes.scans(self._rows(split))

    def facts(self) -> Mapping[str, Any]:
        """The digest covers voxels, masks and splits; the licence is what the data set says."""
        size = self.volume_size
        images, masks = self._volumes.images(size), self._volumes.masks(size)
        return {
            "dataset": f"msd:{self.task}",
            "version": "unknown",
            "licence": str(self._described.get("licence", "unknown")),
            "verified": False,
            "sha256": fingerprint([images.sha256, masks.sha256, self._listed]),
        }

    @property
    def _root(self) -> Path:
        return data_root() / self.task

    @cached_property
    def _described(self) -> dict[str, Any]:
        return read_json(self._root / "dataset.json", REMEDY)

    @cached_property
    def _listed(self) -> dict[str, list[str]]:
        file = self._root / "splits.json"
        return read_json(file, REMEDY) if file.exists() else {}

    @cached_property
    def _volumes(self) -> Volumes:
        """In the order of dataset.json."""
        members = tuple(_member(entry, self._root) for entry in self._described.get("training", []))
        if not members:
            raise UserError(f"{self._root / 'dataset.json'} lists no training cases.")
        return Volumes(
            kind="msd",
            root=self._root,
            members=members,
            modality=tuple("ct" if name.upper() == "CT" else "mr" for name in self.channels),
            spacing_mm=self.spacing_mm,
        )

    def _rows(self, split: str) -> list[int]:
        ids = [member.id for member in self._volumes.members]
        return rows_of(split, self._listed, ids, of="splits.json", root=self._root)


def _member(entry: Any, root: Path) -> Member:
    try:
        image, mask = (str(PurePosixPath(entry[what])) for what in ("image", "label"))
    except (KeyError, TypeError):
        raise UserError(
            f"{root / 'dataset.json'} lists {entry!r} for training; each entry must name an image "
            "and a label."
        ) from None
    if any(PurePosixPath(file).is_absolute() or ".." in file.split("/") for file in (image, mask)):
        raise UserError(f"{root / 'dataset.json'} lists {image} and {mask}, outside its folder.")
    return Member(id=stem_of(image), images=(image,), mask=mask)


def _by_number(said: Any, root: Path) -> list[tuple[int, Any]]:
    """``{"0": name}`` of dataset.json, in the order of its numbers."""
    try:
        return sorted((int(number), name) for number, name in said.items())
    except (AttributeError, ValueError):
        raise UserError(
            f'{root / "dataset.json"} must number its modalities and labels as in {{"0": "MRI"}}; '
            f"{said!r} came."
        ) from None
