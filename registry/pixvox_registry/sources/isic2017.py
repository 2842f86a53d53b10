"""ISIC 2017: dermoscopy of nevi, melanomas and seborrheic keratoses (arXiv:1710.05006)."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, decode, some
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.picture import read_picture
from pixvox_registry.places import data_root
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
        image_size: side of the square in pixels.
    """

    dims: int = 2
    splits: tuple[str, ...] = ("train", "val", "test", "all")

    def __init__(self, *, image_size: int = 64) -> None:
        self.image_size = image_size

    @property
    def name(self) -> str:
        """As written on the command line."""
        return spell_source("isic2017", "", {"image_size": self.image_size}, Isic2017)

    def cases(self, split: str) -> Cases:
        """``[N, 3, H, W]`` uint8 with the label ``class``; ids are ISIC's.

        Raises:
            UserError: the folder, or an image that the list names, is missing.
        """
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        ids = list(self._classes)
        wanted = ids if split == "all" else json.loads(SPLITS.read_text())[split]
        place = {case: row for row, case in enumerate(ids)}
        if lost := [case for case in wanted if case not in place]:
            raise UserError(f"{self._root / 'labels.csv'} lacks {some(lost)}; unpack them there.")
        images = self._decoded.images
        return Cases(
            images=images if split == "all" else images[[place[case] for case in wanted]],
            ids=tuple(wanted),
            labels={"class": torch.tensor([self._classes[case] for case in wanted])},
        )

    def facts(self) -> Mapping[str, Any]:
        """The digest covers pixels, classes and splits."""
        parts = [self._decoded.sha256, self._classes, json.loads(SPLITS.read_text())]
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
            raise UserError(
                f"{file} is no list of image_id, melanoma and seborrheic_keratosis: {error}. Put "
                "ISIC 2017 below PIXVOX_DATA, with images/ beside it."
            ) from None

    @cached_property
    def _decoded(self) -> Decoded:
        return decode(
            "isic2017",
            self._root,
            [f"images/{case}.jpg" for case in self._classes],
            partial(read_picture, channels=3, size=self.image_size),
            shape=(3, self.image_size, self.image_size),
            dtype="uint8",
            settings={"version": VERSION},
            skip_broken=False,
        )
