"""Phantoms: organ-like shapes with texture, bias field and noise; made, not downloaded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor

from pixvox_registry import SOURCES
from pixvox_registry.anatomy import SHAPES, TEXTURES, Chance, Look, paint
from pixvox_registry.artifacts import canonical_json
from pixvox_registry.cases import Cases
from pixvox_registry.draws import generator
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.kept_rows import kept_rows
from pixvox_registry.scans import Scans
from pixvox_registry.source_spec import spell_source

VERSION = "1"
KINDS = {f"{what}_{dims}d": (what, dims) for what in ("shapes", "texture") for dims in (2, 3)}
LOOKS = {
    "shapes": Look(contrast=(0.15, 0.35), grain=(0.02, 0.06)),
    "texture": Look(contrast=(0.0, 0.15), grain=(0.12, 0.25)),
}
FIELD_OF_VIEW_MM = 100.0
TOGETHER = 32  # cases painted at once: few enough to stay in the processor's cache


@SOURCES.register
class Phantoms:
    """Cases whose class is the organ's shape or its texture; everything else is chance.

    Position, size, orientation, contrast, bias field, noise and a neighbouring organ change from
    case to case and dominate the raw values. Masks say 1 organ, 2 neighbour. A case depends on
    seed, kind, split and its own position alone: a larger ``count`` leaves the earlier cases as
    they were. One case is one patient.

    Args:
        kind: shapes_2d, shapes_3d, texture_2d or texture_3d.
        count: cases of train; val and test hold half as many each.
        image_size: side in pixels or voxels; the finest texture needs 24.
    """

    splits: tuple[str, ...] = ("train", "val", "test")

    def __init__(
        self, kind: str = "shapes_2d", *, count: int = 512, image_size: int = 28, seed: int = 0
    ) -> None:
        self.kind = kind
        self.count = count
        self.image_size = image_size
        self.seed = seed

    @cached_property
    def dims(self) -> int:
        """2 or 3, as the kind says."""
        return self._parsed()[1]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels, in order."""
        return SHAPES if self._parsed()[0] == "shapes" else TEXTURES

    @property
    def name(self) -> str:
        """As written on the command line."""
        settings = {"count": self.count, "image_size": self.image_size, "seed": self.seed}
        return spell_source("phantoms", self.kind, settings, Phantoms)

    def cases(self, split: str) -> Cases:
        """All cases of a split; painted once, and kept in ``$PIXVOX_CACHE/phantoms``."""
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        if self.count < 2 or self.image_size < 8:
            raise UserError(
                f"Phantoms need a count of at least 2 and an image_size of at least 8; count "
                f"{self.count} and image_size {self.image_size} came."
            )
        return self._made(split, self.count if split == "train" else self.count // 2)

    def scans(self, split: str) -> Scans:
        """The same with organ and neighbour as they were painted."""
        return Scans.of(self.cases(split))

    def facts(self) -> Mapping[str, Any]:
        """The digest covers the settings and the first cases of each split."""
        settings = [VERSION, self.kind, self.count, self.image_size, self.seed]
        made = sha256(canonical_json(settings))
        for split in self.splits:
            made.update(self._made(split, 4).images[:].numpy().tobytes())
        return {
            "dataset": f"phantoms:{self.kind}",
            "version": VERSION,
            "licence": "CC0-1.0",
            "verified": True,
            "sha256": made.hexdigest(),
        }

    def _parsed(self) -> tuple[str, int]:
        if self.kind not in KINDS:
            raise unknown("phantom", self.kind, KINDS)
        return KINDS[self.kind]

    def _made(self, split: str, number: int) -> Cases:
        classes = self._balanced(split, number)
        painted = self._painted(split, classes)
        ids = [f"{split}/{i:05d}" for i in range(number)]
        return Cases(
            images=painted[:, :1].contiguous(),
            ids=tuple(ids),
            labels={"class": classes},
            masks=painted[:, 1].contiguous(),
            patients=tuple(f"{self.kind}/{self.seed}/{case}" for case in ids),
            spacing_mm=(FIELD_OF_VIEW_MM / self.image_size,) * self.dims,
        )

    def _painted(self, split: str, classes: Tensor) -> Tensor:
        """``[N] -> [N, 2, *S]``: images and masks; more than a piece is taken from the cache."""

        def pieces() -> Iterator[Tensor]:
            for start in range(0, len(classes), TOGETHER):
                yield self._piece(split, start, classes[start : start + TOGETHER])

        if len(classes) <= TOGETHER:
            return torch.cat(list(pieces()))
        sample = sha256(self._piece(split, 0, classes[:4]).numpy().tobytes())
        try:
            return kept_rows(
                "phantoms",
                [VERSION, self.kind, self.seed, split, sample.hexdigest()],
                pieces,
                count=len(classes),
                each=(2, *[self.image_size] * self.dims),
            )[:]
        except OSError:  # a cache that cannot be written
            return torch.cat(list(pieces()))

    def _piece(self, split: str, start: int, classes: Tensor) -> Tensor:
        """The cases from ``start`` on: ``[B] -> [B, 2, *S]``."""
        what, dims = self._parsed()
        streams = [
            generator(self.seed, "phantoms", self.kind, split, start + i)
            for i in range(len(classes))
        ]
        chance = Chance(tuple(streams), dims)
        other = chance.choice(4)
        shape, texture = (classes, other) if what == "shapes" else (other, classes)
        images, masks = paint(shape, texture, LOOKS[what], chance, self.image_size)
        return torch.cat([images, masks[:, None]], dim=1)

    def _balanced(self, split: str, number: int) -> Tensor:
        """``[N]``: every four cases hold each class once, in an order of their own."""
        fours = [
            torch.randperm(4, generator=generator(self.seed, "classes", self.kind, split, four))
            for four in range(math.ceil(number / 4))
        ]
        return torch.cat(fours)[:number]
