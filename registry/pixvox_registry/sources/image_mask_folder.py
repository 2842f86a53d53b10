"""A folder of images with a mask beside each, as most 2D segmentation sets are laid out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, decode, folder_of, some
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.picture import SUFFIXES, read_mask_picture, read_picture
from pixvox_registry.places import data_root
from pixvox_registry.scans import Scan, Scans
from pixvox_registry.source_spec import spell_source

VERSION = "1"  # of the cache; raise it when decoding changes
LISTS = Path(__file__).parents[1] / "splits"  # of data sets that bring none


@SOURCES.register
class ImageMaskFolder:
    """Images in one folder, masks of the same name in the same or another one, in 2D.

    Args:
        path: the folder; one that is not there is looked for below ``$PIXVOX_DATA``.
        images: sub-folder of the images; empty for the folder itself.
        masks: sub-folder of the masks.
        mask_suffix: what the name of a mask has after that of its image.
        labels: ``binary``: whatever is not 0 is inside; ``values``: as they are stored, to 255.
        channels: 1 for grey, 3 for colour.
        image_size: side of the squares for pretraining; scans keep their own size.
        patient: a regular expression whose group finds the patient in the name of an image.
        splits: a JSON file that maps names of splits to names of images, or the name of a list
            that comes with the package; by default all are train.
    """

    dims: int = 2

    def __init__(
        self,
        path: str,
        *,
        images: str = "images",
        masks: str = "masks",
        mask_suffix: str = "",
        labels: str = "binary",
        channels: int = 3,
        image_size: int = 64,
        patient: str | None = None,
        splits: str | None = None,
    ) -> None:
        self.settings = {
            "images": images,
            "masks": masks,
            "mask_suffix": mask_suffix,
            "labels": labels,
            "channels": channels,
            "image_size": image_size,
            "patient": patient,
            "splits": splits,
        }
        self.path, self.images, self.masks, self.mask_suffix = path, images, masks, mask_suffix
        self.labels, self.channels, self.image_size = labels, channels, image_size
        self.patient, self.list = patient, splits

    @property
    def name(self) -> str:
        """As written on the command line."""
        return spell_source("image_mask_folder", self.path, self.settings, ImageMaskFolder)

    @property
    def splits(self) -> tuple[str, ...]:
        """As the list of splits names them."""
        return tuple(self._listed) or ("train",)

    def cases(self, split: str) -> Cases:
        """Squares ``[N, C, size, size]`` uint8 without masks.

        Raises:
            UserError: the folder, the split, or an image or mask is missing.
        """
        rows = self._rows(split)
        return Cases(
            images=self._decoded(self.image_size).stored.chosen(rows),
            ids=self._ids(rows),
            patients=self._patients(rows),
        )

    def scans(self, split: str) -> Scans:
        """Images and masks in their own size.

        Raises:
            UserError: as :meth:`cases`, or a mask does not fit its image.
        """
        rows = self._rows(split)
        images, masks, ids = self._decoded(None), self._decoded_masks, self._ids(rows)
        for row in rows:
            if images.shapes[row][1:] != masks.shapes[row][1:]:
                raise UserError(
                    f"The mask of {images.files[row]} has {masks.shapes[row][1:]} pixels, the "
                    f"image {images.shapes[row][1:]}. Mend or remove the pair."
                )

        def read(row: int) -> Scan:
            mask = masks.image(rows[row])[0]
            return Scan(id=ids[row], image=images.image(rows[row]), mask=mask, spacing_mm=None)

        return Scans(
            read=read,
            ids=ids,
            dims=2,
            in_channels=self.channels,
            patients=self._patients(rows),
            files=tuple(str(self._root / images.files[row]) for row in rows),
        )

    def facts(self) -> Mapping[str, Any]:
        """The digest covers pixels, masks and splits; nobody else vouches for them."""
        digests = [self._decoded(None).sha256, self._decoded_masks.sha256, self._listed]
        return {
            "dataset": f"image_mask_folder:{self._root.name}",
            "version": "unknown",
            "licence": "unknown",
            "verified": False,
            "sha256": fingerprint([digests, self.image_size]),
        }

    @cached_property
    def _root(self) -> Path:
        below = data_root() / self.path
        return folder_of(self.path if Path(self.path).is_dir() else str(below), "image_mask_folder")

    @cached_property
    def _pairs(self) -> dict[str, tuple[str, str]]:
        """``{name without suffix: (image, mask)}``, relative paths, sorted."""
        masks = {file.stem: file for file in _pictures(self._root / self.masks)}
        images = _pictures(self._root / self.images)
        if self.images == self.masks:
            images = [file for file in images if f"{file.stem}{self.mask_suffix}" in masks]
        lost = [file.name for file in images if f"{file.stem}{self.mask_suffix}" not in masks]
        if lost or not images:
            raise UserError(
                f"{self._root / self.masks} has no mask for {some(lost) or 'any image'}; masks are "
                f"called as their images, with {self.mask_suffix!r} after the name."
            )
        return {
            file.stem: (self._below(file), self._below(masks[f"{file.stem}{self.mask_suffix}"]))
            for file in images
        }

    def _below(self, file: Path) -> str:
        return file.relative_to(self._root).as_posix()

    @cached_property
    def _listed(self) -> dict[str, list[str]]:
        if self.list is None:
            return {}
        known = LISTS / f"{self.list}.json"
        file = known if known.is_file() else Path(self.list).expanduser()
        try:
            listed: dict[str, list[str]] = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            raise UserError(f"splits={file} is no JSON file that can be read: {error}") from None
        return listed

    def _rows(self, split: str) -> list[int]:
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        place = {name: row for row, name in enumerate(self._pairs)}
        wanted = self._listed.get(split, list(place))
        if lost := [name for name in wanted if name not in place]:
            raise UserError(
                f"Split {split!r} of {self.list} lists {some(lost)}, which {self._root} lacks."
            )
        return [place[name] for name in wanted]

    def _ids(self, rows: list[int]) -> tuple[str, ...]:
        names = list(self._pairs)
        return tuple(names[row] for row in rows)

    def _patients(self, rows: list[int]) -> tuple[str, ...] | None:
        if self.patient is None:
            return None
        found = [re.search(self.patient, name) for name in self._ids(rows)]
        if None in found:
            name = self._ids(rows)[found.index(None)]
            raise UserError(f"patient={self.patient!r} finds no patient in the name {name!r}.")
        return tuple(match[1] for match in found if match)

    def _decoded(self, size: int | None) -> Decoded:
        read = partial(read_picture, channels=self.channels, size=size)
        return self._kept([image for image, _ in self._pairs.values()], read, [self.channels, size])

    @cached_property
    def _decoded_masks(self) -> Decoded:
        read = partial(read_mask_picture, labels=self.labels)
        return self._kept([mask for _, mask in self._pairs.values()], read, [self.labels])

    def _kept(self, files: list[str], read: Any, settings: list[Any]) -> Decoded:
        return decode(
            "image_mask_folder",
            self._root,
            files,
            read,
            dtype="uint8",
            settings={"version": VERSION, "settings": settings},
            skip_broken=False,
        )


def _pictures(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*") if file.suffix.lower() in SUFFIXES)
