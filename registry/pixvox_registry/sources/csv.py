"""A list of cases in a CSV file: images or volumes with masks, patients, splits and classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.case_list import CaseList
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.modality import kind_of
from pixvox_registry.pairs import label_map
from pixvox_registry.picture_list import Pictures, is_picture
from pixvox_registry.places import data_root
from pixvox_registry.scans import Scans
from pixvox_registry.source_spec import spell_source
from pixvox_registry.unwarned import unwarned
from pixvox_registry.volumes import Member, Volumes

USUAL = {"mask": "mask", "patient": "patient", "split": "split", "label": "class", "id": "id"}


@SOURCES.register
class Csv:
    """Cases that a CSV file lists, in 2D or 3D as their files are.

    Its header has the column ``image`` and may have ``mask``, ``patient``, ``split``, ``class`` and
    ``id``; paths are relative to the list. Pictures and single DICOM files (.dcm) are images;
    NIfTI, MetaImage (.mhd, .mha) and folders of one DICOM series are volumes. As lines:
    ``csv:scans/list.csv,modality=ct`` and ``csv:x-rays.csv,image=path,labels=edema,effusion``.

    Args:
        path: the list; one that is not there is looked for below ``$PIXVOX_DATA``.
        image, mask, patient, split, label, id: columns; all but the first may be left out of the
            list. Classes are whole numbers or words.
        classes: names of the classes in their order, parted by commas; by default words are sorted.
        labels: several columns of 0 and 1, parted by commas, each a label of its own.
        mask_labels: ``values`` (as stored, to 255), or of pictures ``binary`` (1 wherever it is not
            0), or of volumes ``205=1,420=2`` (as stored and as wanted; any other is an error).
        image_size: side of the squares in pixels; scans keep their own size.
        channels: of pictures, 1 for grey, 3 for colour.
        volume_size: side of the cube in voxels.
        spacing_mm: of the voxels, along every axis; none keeps them as they are.
        modality: of volumes: ``mr``, ``ct`` or ``ct:LOW:HIGH``, as ``nifti`` has it.
    """

    def __init__(
        self,
        path: str,
        *,
        image: str = "image",
        mask: str = "mask",
        patient: str = "patient",
        split: str = "split",
        label: str = "class",
        id: str = "id",
        classes: str | Sequence[str] = "",
        labels: str | Sequence[str] = "",
        mask_labels: str = "values",
        image_size: int = 64,
        channels: int = 1,
        volume_size: int = 48,
        spacing_mm: float | None = 1.0,
        modality: str = "mr",
    ) -> None:
        self.path = path
        self.settings = {
            "image": image,
            "mask": mask,
            "patient": patient,
            "split": split,
            "label": label,
            "id": id,
            "classes": ",".join(_words(classes)),
            "labels": ",".join(_words(labels)),
            "mask_labels": mask_labels,
            "image_size": image_size,
            "channels": channels,
            "volume_size": volume_size,
            "spacing_mm": spacing_mm,
            "modality": modality,
        }
        self.columns = {"mask": mask, "patient": patient, "split": split, "label": label, "id": id}
        self.image, self.mask_labels, self.modality = image, mask_labels, modality
        self.image_size, self.channels = image_size, channels
        self.volume_size, self.spacing_mm = volume_size, spacing_mm
        self.listed_classes, self.labels = _words(classes), _words(labels)

    @property
    def name(self) -> str:
        """As written on the command line."""
        return spell_source("csv", str(self.path), self.settings, Csv)

    @property
    def dims(self) -> int:
        """2 if the list names pictures, 3 if it names volumes."""
        return 2 if self._flat else 3

    @property
    def splits(self) -> tuple[str, ...]:
        """In the order in which the list first names them; ``train`` where it names none."""
        return tuple(dict.fromkeys(self._split))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; none where the list has no such column."""
        name = self.columns["label"]
        return self._list.classes(name, self.listed_classes)[1] if self._has("label") else ()

    @unwarned()
    def cases(self, split: str) -> Cases:
        """Images ``[N, C, S, S]`` uint8, or volumes ``[N, 1, S, S, S]`` float16 with their masks.

        Raises:
            NoData: the list does not exist.
            UserError: the split or a file does not exist, or a row does not say what is due.
        """
        rows = self._rows(split)
        if self._flat:
            cases = self._pictures.cases(rows, self.image_size, patients=self._patients)
        else:
            cases = self._volumes.cases(
                rows, self.volume_size, masks=self._drawn is not None, patients=self._patients
            )
        return replace(cases, labels={name: told[rows] for name, told in self._labels.items()})

    @unwarned()
    def scans(self, split: str) -> Scans:
        """Whole images or volumes with their masks.

        Raises:
            UserError: as :meth:`cases`, or there are no masks.
        """
        rows = self._rows(split)
        if self._drawn is None:
            raise UserError(
                f"{self._list.file} has no column {self.columns['mask']!r}, and scans need masks. "
                "Add it, or say which it is with mask=COLUMN."
            )
        held = self._pictures if self._flat else self._volumes
        return held.scans(rows, patients=self._patients)

    @unwarned()
    def facts(self) -> Mapping[str, Any]:
        """The digest covers pixels or voxels, masks and all that is said; nobody vouches."""
        masks: Callable[[], Decoded]
        if self._flat:
            images, masks = self._pictures.images(self.image_size), self._pictures.masks
        else:
            images = self._volumes.images(self.volume_size)
            masks = partial(self._volumes.masks, self.volume_size)
        labels = {name: told.tolist() for name, told in self._labels.items()}
        told = [self._ids, self._patients, self._split, labels, self.classes]
        return {
            "dataset": f"csv:{self._list.file.name}",
            "version": "unknown",
            "licence": "unknown",
            "verified": False,
            "sha256": fingerprint([images.sha256, self._drawn and masks().sha256, told]),
        }

    @cached_property
    def _list(self) -> CaseList:
        here = Path(self.path).expanduser()
        return CaseList.read((here if here.is_file() else data_root() / here).resolve())

    def _has(self, column: str) -> bool:
        return self._list.has(self.columns[column], usual=USUAL[column])

    @cached_property
    def _images(self) -> tuple[str, ...]:
        return self._list.files(self.image)

    @cached_property
    def _drawn(self) -> tuple[str, ...] | None:
        return self._list.files(self.columns["mask"]) if self._has("mask") else None

    @cached_property
    def _flat(self) -> bool:
        flat = [is_picture(file) for file in self._images]
        if len(set(flat)) > 1:
            at = flat.index(not flat[0])
            both = f"{self._images[at]!r} beside {self._images[0]!r}"
            raise self._list.fault(at, f"puts a picture beside a volume, {both}; list one kind")
        return flat[0]

    @cached_property
    def _ids(self) -> tuple[str, ...]:
        ids = self._list.column(self.columns["id"]) if self._has("id") else self._images
        first: dict[str, int] = {}
        for at, case in enumerate(ids):
            if first.setdefault(case, at) != at:
                raise self._list.fault(at, f"has the id {case!r} of another row")
        return ids

    @cached_property
    def _patients(self) -> tuple[str, ...] | None:
        return self._list.column(self.columns["patient"]) if self._has("patient") else None

    @cached_property
    def _split(self) -> tuple[str, ...]:
        if not self._has("split"):
            return ("train",) * len(self._list.rows)
        return self._list.column(self.columns["split"])

    @cached_property
    def _labels(self) -> dict[str, Tensor]:
        """``{name: [N]}`` of every row."""
        labels = {}
        if self._has("label"):
            numbers, _ = self._list.classes(self.columns["label"], self.listed_classes)
            labels["class"] = torch.tensor(numbers)
        for name in self.labels:
            labels[name] = torch.tensor(self._list.numbers(name, highest=1))
        return labels

    def _rows(self, split: str) -> list[int]:
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        return [row for row, said in enumerate(self._split) if said == split]

    @property
    def _pictures(self) -> Pictures:
        return Pictures(
            kind="csv",
            root=self._list.root,
            ids=self._ids,
            files=self._images,
            drawn=self._drawn,
            labels=self.mask_labels,
            channels=self.channels,
        )

    @property
    def _volumes(self) -> Volumes:
        kind_of(self.modality)
        masks = self._drawn or (None,) * len(self._images)
        cases = zip(self._ids, self._images, masks, strict=True)
        values = self.mask_labels == "values"
        return Volumes(
            kind="csv",
            root=self._list.root,
            members=tuple(
                Member(id=case, images=(image,), mask=mask) for case, image, mask in cases
            ),
            modality=(self.modality,),
            spacing_mm=self.spacing_mm,
            labels=None if values else label_map(self.mask_labels),
        )


def _words(said: str | Sequence[str]) -> tuple[str, ...]:
    words = said.split(",") if isinstance(said, str) else said
    return tuple(word.strip() for word in words if word.strip())
