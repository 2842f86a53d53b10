"""A user's own folder of NIfTI volumes, brought to one box and one scale once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.errors import UserError
from pixvox_registry.listing import found_folder, read_splits, rows_of
from pixvox_registry.modality import kind_of
from pixvox_registry.pairs import label_map, members_of, patients_of, spelt_map
from pixvox_registry.scans import Scans
from pixvox_registry.source_spec import spell_source
from pixvox_registry.volumes import Volumes


@SOURCES.register
class Nifti:
    """Volumes of a folder and its sub-folders, in 3D, each a cube, with masks if they lie there.

    Axes are canonical (slices from inferior to superior come first), voxels have one spacing, and
    intensities one scale. Files are read once, and taken from the cache after that; the cache
    lies in ``$PIXVOX_CACHE/nifti`` and may be deleted. As lines::

        nifti:scans
        nifti:MMWHS/ct_train,modality=ct,image_suffix=_image,mask_suffix=_label,labels=500=1,600=2
        nifti:BraTS2018,image_suffix=_,channels=t1,t1ce,t2,flair,mask_suffix=_seg
        nifti:Task99,images=imagesTr,masks=labelsTr

    Args:
        path: the folder; one that is not there is looked for below ``$PIXVOX_DATA``. Its files end
            in .nii or .nii.gz.
        volume_size: side of the cube in voxels.
        spacing_mm: of the voxels, along every axis; none keeps them as they are.
        modality: ``mr`` (z-score over the foreground), ``ct`` (Hounsfield units from -1000 to
            1000) or ``ct:LOW:HIGH`` (another window).
        splits: a JSON file that maps names of splits to lists of cases, or the name of a list that
            comes with the package; by default all are train.
        skip_broken: leave out files that cannot be read; otherwise they are an error.
        images: sub-folder of the images.
        masks: sub-folder of the masks.
        image_suffix: what the name of an image has after that of its case.
        mask_suffix: what the name of a mask has after it.
        channels: names of the files of one case, after ``image_suffix``; commas part them.
        labels: labels of masks as stored and as wanted, ``205=1,420=2``; any other is an error. By
            default they are as stored, to 255.
        patient: a regular expression whose group finds the patient in the id of a case.
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
        images: str = "",
        masks: str = "",
        image_suffix: str = "",
        mask_suffix: str = "",
        channels: str | Sequence[str] = "",
        labels: str | Mapping[int, int] | None = None,
        patient: str | None = None,
    ) -> None:
        self.settings = {
            "volume_size": volume_size,
            "spacing_mm": spacing_mm,
            "modality": modality,
            "splits": splits,
            "skip_broken": skip_broken,
            "images": images,
            "masks": masks,
            "image_suffix": image_suffix,
            "mask_suffix": mask_suffix,
            "channels": channels if isinstance(channels, str) else ",".join(channels),
            "labels": spelt_map(labels),
            "patient": patient,
        }
        self.path, self.volume_size, self.spacing_mm = path, volume_size, spacing_mm
        self.modality, self.list, self.skip_broken = modality, splits, skip_broken
        self.images, self.masks = images, masks
        self.image_suffix, self.mask_suffix = image_suffix, mask_suffix
        self.channels, self.labels, self.patient = channels, labels, patient

    @property
    def splits(self) -> tuple[str, ...]:
        """As the file of splits names them."""
        return tuple(read_splits(self.list)) or ("train",)

    @property
    def name(self) -> str:
        """As written on the command line."""
        return spell_source("nifti", str(self.path), self.settings, Nifti)

    def cases(self, split: str) -> Cases:
        """Volumes of a split as ``[N, C, S, S, S]`` float16, and masks if the folder has them.

        Raises:
            NoData: the folder does not exist.
            UserError: the split, a case that it lists, a channel or a mask does not exist.
        """
        volumes = self._volumes()
        rows, patients = self._rows(split, volumes), self._patients(volumes)
        return volumes.cases(rows, self.volume_size, masks=self._drawn, patients=patients)

    def scans(self, split: str) -> Scans:
        """Whole volumes with masks, at the same spacing or, with ``spacing_mm=none``, their own.

        Raises:
            UserError: as :meth:`cases`, or there are no masks.
        """
        if not self._drawn:
            raise UserError(
                f"{self.name} was asked for masks and knows of none. Say where they lie with "
                "masks=FOLDER or mask_suffix=TEXT, for example mask_suffix=_label."
            )
        volumes = self._volumes()
        return volumes.scans(self._rows(split, volumes), patients=self._patients(volumes))

    def facts(self) -> Mapping[str, Any]:
        """The digest covers voxels, masks, names, patients and splits; nobody vouches for them."""
        volumes = self._volumes()
        digests: list[Any] = [volumes.images(self.volume_size).sha256]
        if self._drawn:
            digests.append(volumes.masks(self.volume_size).sha256)
        if self.patient is not None:
            digests.append(self._patients(volumes))
        return {
            "dataset": f"nifti:{self._root().name}",
            "version": "unknown",
            "licence": "unknown",
            "verified": False,
            "sha256": fingerprint([*digests, read_splits(self.list)]),
        }

    @property
    def _drawn(self) -> bool:
        return bool(self.masks or self.mask_suffix)

    def _root(self) -> Path:
        return found_folder(self.path, "nifti")

    def _volumes(self) -> Volumes:
        kind_of(self.modality)  # told before anything is read
        named = self.channels.split(",") if isinstance(self.channels, str) else self.channels
        channels = [f"{self.image_suffix}{channel}" for channel in named]
        root = self._root()
        return Volumes(
            kind="nifti",
            root=root,
            members=members_of(
                root,
                images=self.images,
                masks=self.masks,
                channels=channels,
                mask_suffix=self.mask_suffix,
            ),
            modality=(self.modality,) * len(channels),
            spacing_mm=self.spacing_mm,
            labels=label_map(self.labels),
            skip_broken=self.skip_broken,
        )

    def _rows(self, split: str, volumes: Volumes) -> list[int]:
        ids = [member.id for member in volumes.members]
        listed = read_splits(self.list)
        return rows_of(split, listed, ids, of=str(self.list), root=volumes.root)

    def _patients(self, volumes: Volumes) -> tuple[str, ...] | None:
        return patients_of(self.patient, [member.id for member in volumes.members])
