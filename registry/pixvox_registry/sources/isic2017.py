"""ISIC 2017: dermoscopy of nevi, melanomas and seborrheic keratoses (arXiv:1710.05006)."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import interpolate

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, decode, some
from pixvox_registry.errors import NoData, UserError, unknown
from pixvox_registry.geometry import brought_to
from pixvox_registry.picture import read_mask_picture, read_picture
from pixvox_registry.places import data_root
from pixvox_registry.scans import Scan, Scans, Truth
from pixvox_registry.source_spec import spell_source

VERSION = "1"  # of the cache; raise it when decoding changes
CLASSES = ("nevus", "melanoma", "seborrheic keratosis")
SPLITS = Path(__file__).parents[1] / "isic2017.json"


@SOURCES.register
class Isic2017:
    """Images of ``$PIXVOX_DATA/isic2017/images`` with the classes of ``labels.csv``, in colour.

    The splits are a list that comes with the package: 60, 15 and 25 % of each class, drawn by
    ``pixvox_registry.splitting`` with seed 0 from 1,602 images; of near duplicates the first one
    stays. ``all`` holds every image of the folder.

    Args:
        image_size: side of the squares of cases, in pixels.
        scan_size: side of scans; none keeps them as they are. The truth keeps its own pixels.
    """

    dims: int = 2
    splits: tuple[str, ...] = ("train", "val", "test", "all")

    def __init__(self, *, image_size: int = 64, scan_size: int | None = None) -> None:
        self.image_size = image_size
        self.scan_size = scan_size

    @property
    def name(self) -> str:
        """As written on the command line."""
        settings = {"image_size": self.image_size, "scan_size": self.scan_size}
        return spell_source("isic2017", "", settings, Isic2017)

    def cases(self, split: str) -> Cases:
        """``[N, 3, H, W]`` uint8 with the label ``class``; ids are ISIC's.

        Raises:
            UserError: the folder, or an image that the list names, is missing.
        """
        wanted = self._split(split)
        place = {case: row for row, case in enumerate(self._classes)}
        return Cases(
            images=self._read(self.image_size).stored.chosen([place[case] for case in wanted]),
            ids=wanted,
            labels={"class": torch.tensor([self._classes[case] for case in wanted])},
        )

    def scans(self, split: str) -> Scans:
        """``[3, H, W]`` with the lesion's mask of ``masks/``, which is the truth on its own pixels.

        Raises:
            UserError: as :meth:`cases`, or a mask is missing.
        """
        ids = self._split(split)
        place = {case: row for row, case in enumerate(self._classes)}
        images, masks = self._read(None), self._masks

        def truth(row: int) -> Truth:
            return Truth(masks.image(place[ids[row]])[0], spacing_mm=None)

        def read(row: int) -> Scan:
            image, mask = images.image(place[ids[row]]), truth(row).mask
            if image.shape[1:] != mask.shape:
                raise UserError(
                    f"The mask of {ids[row]} has {tuple(mask.shape)} pixels, the image "
                    f"{tuple(image.shape[1:])}. Mend or remove the pair."
                )
            if self.scan_size is not None:
                sides = [self.scan_size] * 2
                small = interpolate(image[None].float(), sides, mode="bilinear", antialias=True)
                image, mask = small[0].round().byte(), brought_to(mask, sides)
            return Scan(id=ids[row], image=image, mask=mask, spacing_mm=None)

        files = tuple(str(self._root / images.files[place[case]]) for case in ids)
        return Scans(read=read, ids=ids, dims=2, in_channels=3, files=files, truth=truth)

    def facts(self) -> Mapping[str, Any]:
        """The digest covers pixels, classes and splits, and masks where there are any."""
        parts = [self._read(self.image_size).sha256, self._classes, json.loads(SPLITS.read_text())]
        if (self._root / "masks").is_dir():
            parts += [self._read(None).sha256, self._masks.sha256]
        return {
            "dataset": "isic2017",
            "version": "2017",
            "licence": "CC0-1.0",
            "verified": False,
            "sha256": fingerprint(parts),
        }

    @property
    def _root(self) -> Path:
        return data_root() / "isic2017"

    @cached_property
    def _classes(self) -> dict[str, int]:
        file = self._root / "labels.csv"
        try:
            rows = list(csv.DictReader(file.read_text().splitlines()))
            return {
                row["image_id"]: int(float(row["melanoma"]))
                + 2 * int(float(row["seborrheic_keratosis"]))
                for row in rows
            }
        except (OSError, KeyError, ValueError) as error:
            lost = isinstance(error, FileNotFoundError)
            raise (NoData if lost else UserError)(
                f"{file} is no list of image_id, melanoma and seborrheic_keratosis: {error}. Put "
                "ISIC 2017 below PIXVOX_DATA, with images/ beside it."
            ) from None

    def _split(self, split: str) -> tuple[str, ...]:
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        ids = list(self._classes)
        wanted = ids if split == "all" else json.loads(SPLITS.read_text())[split]
        if lost := [case for case in wanted if case not in self._classes]:
            raise UserError(f"{self._root / 'labels.csv'} lacks {some(lost)}; unpack them there.")
        return tuple(wanted)

    def _read(self, size: int | None) -> Decoded:
        files = [f"images/{case}.jpg" for case in self._classes]
        return self._kept(files, partial(read_picture, channels=3, size=size), {"image_size": size})

    @cached_property
    def _masks(self) -> Decoded:
        files = [f"masks/{case}.png" for case in self._classes]
        return self._kept(files, partial(read_mask_picture, labels="binary"), {"masks": True})

    def _kept(self, files: list[str], read: Any, settings: dict[str, Any]) -> Decoded:
        return decode(
            "isic2017",
            self._root,
            files,
            read,
            dtype="uint8",
            settings={"version": VERSION, **settings},
            skip_broken=False,
        )
