"""A folder of DICOM: each series a volume, or each file a picture."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, decode, some
from pixvox_registry.dicom_volume import (
    Series,
    headers_below,
    image_of_series,
    series_below,
)
from pixvox_registry.errors import UserError
from pixvox_registry.listing import found_folder, read_splits, rows_of
from pixvox_registry.modality import kind_of
from pixvox_registry.radiograph import read_radiograph
from pixvox_registry.source_spec import spell_source
from pixvox_registry.unwarned import unwarned
from pixvox_registry.volumes import Member, Volumes

VERSION = "1"  # of the cache of pictures; raise it when reading changes


@SOURCES.register
class Dicom:
    """Series of a folder and its sub-folders as volumes, their slices ordered by position.

    Files of several series may lie in one folder, under any names. Values are rescaled as headers
    say, axes are those of ``nifti``, and patients are PatientID if every file has one. A series
    with a gap, a slice twice, or slices of other sizes or angles is refused. With ``dims=2`` each
    file is a greyscale picture of 256 levels, by its own window, bright where it is dense. As
    lines: ``dicom:scans,spacing_mm=2`` and ``dicom:x-rays,dims=2,image_size=224``.

    Args:
        path: the folder; one that is not there is looked for below ``$PIXVOX_DATA``.
        dims: 3 for series, 2 for pictures.
        volume_size: side of the cube in voxels.
        spacing_mm: of the voxels, along every axis; none keeps them as they are.
        modality: ``ct``, ``ct:LOW:HIGH`` or ``mr`` as ``nifti`` has it; by default the headers
            decide: CT is windowed, all else standardised.
        image_size: side of the pictures in pixels.
        splits: a JSON file that maps names of splits to lists of cases; by default all are train.
        skip_broken: leave out files and series that cannot be read; otherwise they are an error.
    """

    def __init__(
        self,
        path: str,
        *,
        dims: int = 3,
        volume_size: int = 48,
        spacing_mm: float | None = 1.0,
        modality: str | None = None,
        image_size: int = 64,
        splits: str | None = None,
        skip_broken: bool = False,
    ) -> None:
        if dims not in (2, 3):
            raise ValueError(f"dims is 2 or 3; {dims} came")
        self.path, self.dims, self.volume_size = path, dims, volume_size
        self.spacing_mm, self.modality, self.image_size = spacing_mm, modality, image_size
        self.list, self.skip_broken = splits, skip_broken

    @property
    def splits(self) -> tuple[str, ...]:
        """As the file of splits names them."""
        return tuple(read_splits(self.list)) or ("train",)

    @property
    def name(self) -> str:
        """As written on the command line."""
        settings = {
            "dims": self.dims,
            "volume_size": self.volume_size,
            "spacing_mm": self.spacing_mm,
            "modality": self.modality,
            "image_size": self.image_size,
            "splits": self.list,
            "skip_broken": self.skip_broken,
        }
        return spell_source("dicom", str(self.path), settings, Dicom)

    @unwarned()
    def cases(self, split: str) -> Cases:
        """Volumes ``[N, 1, S, S, S]`` float16, or pictures ``[N, 1, S, S]`` uint8.

        Ids are folders of series, their UIDs where a folder holds several, or files of pictures.

        Raises:
            NoData: the folder does not exist.
            UserError: the split or a case that it lists does not exist, a file or a series is
                broken, or CT stands beside other modalities.
        """
        return self._volumes_of(split) if self.dims == 3 else self._pictures_of(split)

    @unwarned()
    def facts(self) -> Mapping[str, Any]:
        """The digest covers voxels or pixels, names, patients and splits; nobody vouches."""
        if self.dims == 3:
            series = self._series()
            told = [self._volumes(series).images(self.volume_size).sha256]
            patients = [found.patient for found in series]
        else:
            pictures = self._pictures()
            told, patients = [pictures.sha256], [_patient(fact) for fact in pictures.facts]
        return {
            "dataset": f"dicom:{self._root().name}",
            "version": "unknown",
            "licence": "unknown",
            "verified": False,
            "sha256": fingerprint([told, patients, read_splits(self.list)]),
        }

    def _volumes_of(self, split: str) -> Cases:
        series = self._series()
        rows = self._rows(split, [found.id for found in series])
        patients = tuple(found.patient for found in series)
        return self._volumes(series).cases(
            rows, self.volume_size, patients=patients if all(patients) else None
        )

    def _pictures_of(self, split: str) -> Cases:
        pictures = self._pictures()
        rows = self._rows(split, pictures.files)
        patients = [_patient(fact) for fact in pictures.facts]
        return Cases(
            images=pictures.stored.chosen(rows),
            ids=tuple(pictures.files[row] for row in rows),
            patients=tuple(patients[row] for row in rows) if all(patients) else None,
        )

    def _root(self) -> Path:
        return found_folder(self.path, "dicom")

    def _rows(self, split: str, ids: tuple[str, ...] | list[str]) -> list[int]:
        return rows_of(split, read_splits(self.list), ids, of=str(self.list), root=self._root())

    def _series(self) -> tuple[Series, ...]:
        return series_below(self._root(), skip_broken=self.skip_broken)

    def _volumes(self, series: tuple[Series, ...]) -> Volumes:
        return Volumes(
            kind="dicom",
            root=self._root(),
            members=tuple(Member(id=found.id, images=found.files) for found in series),
            modality=(self._policy(series),),
            spacing_mm=self.spacing_mm,
            load=image_of_series,
            header=image_of_series,
            skip_broken=self.skip_broken,
        )

    def _policy(self, series: tuple[Series, ...]) -> str:
        if self.modality is not None:
            kind_of(self.modality)
            return self.modality
        of_ct = [found.id for found in series if found.modality == "CT"]
        others = [f"{found.id} ({found.modality})" for found in series if found.modality != "CT"]
        if of_ct and others:
            raise UserError(
                f"{self._root()} holds CT, {some(of_ct)}, beside {some(others)}, which share no "
                "scale. Give each modality a folder of its own, or say modality=ct or modality=mr."
            )
        return "ct" if of_ct else "mr"

    def _pictures(self) -> Decoded:
        root = self._root()
        found = list(headers_below(root, skip_broken=self.skip_broken))
        if not found:
            raise UserError(
                f"{root} holds no DICOM image. Name the folder that holds the pictures."
            )
        patients = {root / read.file: str(read.header.get("PatientID") or "") for read in found}
        return decode(
            "dicom",
            root,
            [read.file for read in found],
            partial(read_radiograph, channels=1, size=self.image_size),
            dtype="uint8",
            settings={"image_size": self.image_size, "version": VERSION},
            skip_broken=self.skip_broken,
            describe=lambda file: {"patient": patients[file]},
        )


def _patient(fact: Mapping[str, Any]) -> str:
    return str(fact["patient"])
