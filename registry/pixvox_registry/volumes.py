"""Volumes of a folder, member by member: decoded once, boxed for cases and whole for scans."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.artifacts import fingerprint
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, decode
from pixvox_registry.errors import UserError
from pixvox_registry.modality import range_of
from pixvox_registry.scans import Scan, Scans, Truth
from pixvox_registry.volume import grid_of, joined, mask_of, opened, volume_of, whole

VERSION = "2"  # of the cache; raise it when reading changes


@dataclass(frozen=True)
class Member:
    """One case as it lies on disk; paths are relative to its root.

    Args:
        images: its files: one per channel, or the slices of a series. The first one leads: under
            its name the case is decoded.
    """

    id: str
    images: tuple[str, ...]
    mask: str | None = None


def _first(files: Sequence[Path]) -> Any:
    return opened(files[0])


@dataclass(frozen=True, kw_only=True)
class Volumes:
    """The members of a folder, all with masks or all without.

    Args:
        kind: name of the cache.
        modality: of each channel, see :func:`~pixvox_registry.modality.scaled`.
        spacing_mm: of the voxels, along every axis; None keeps each member's own.
        labels: ``{as stored: as wanted}`` of masks, or None.
        load: files of a member to nibabel's image.
        header: the same, of which nothing but shape and affine will be asked.
        skip_broken: leave out members of which a file cannot be read.
    """

    kind: str
    root: Path
    members: tuple[Member, ...]
    modality: tuple[str, ...]
    spacing_mm: float | None
    labels: Mapping[int, int] | None = None
    load: Callable[[Sequence[Path]], Any] = joined
    header: Callable[[Sequence[Path]], Any] = _first
    skip_broken: bool = False

    def images(self, size: int | None) -> Decoded:
        """``[C, D, H, W]`` float16 of each, in a cube of ``size`` voxels or whole."""

        def read(lead: Path) -> NDArray[Any]:
            image = self.load(self._paths(self._led[lead]))
            return volume_of(image, size=size, spacing_mm=self.spacing_mm, modality=self.modality)

        leads = self._leads(range(len(self.members)))
        return self._decoded(leads, read, "float16", [size, self.modality])

    def masks(self, size: int | None) -> Decoded:
        """``[1, D, H, W]`` uint8 of each, checked against the voxels of its image.

        Raises:
            UserError: the members have none.
        """
        led = {self.root / str(member.mask): member for member in self.members}
        if any(member.mask is None for member in self.members):
            raise UserError(f"{self.root} was read without masks; say where they are.")
        labels = None if self.labels is None else sorted(self.labels.items())

        def read(file: Path) -> NDArray[Any]:
            return mask_of(
                whole(file),
                size=size,
                spacing_mm=self.spacing_mm,
                labels=self.labels,
                like=self.header(self._paths(led[file])),
            )

        files = self._drawn(range(len(self.members)))
        return self._decoded(files, read, "uint8", [size, labels])

    def cases(
        self,
        rows: Sequence[int],
        size: int,
        *,
        masks: bool = False,
        patients: tuple[str, ...] | None = None,
    ) -> Cases:
        """``[N, C, S, S, S]`` float16 of these members, without broken ones if they are skipped.

        Args:
            patients: of every member, not of ``rows`` alone.
        """
        images = self.images(size)
        drawn = self.masks(size) if masks else None
        members = self._sound(rows, images, drawn)
        spacings = self._spacings(images)
        shared = {spacings[row] for row in members}
        return Cases(
            images=images.stored.chosen(_rows(images, self._leads(members))),
            ids=tuple(self.members[row].id for row in members),
            masks=None if drawn is None else drawn.masks.chosen(_rows(drawn, self._drawn(members))),
            patients=patients and tuple(patients[row] for row in members),
            spacing_mm=shared.pop() if len(shared) == 1 else None,
            value_range=range_of(self.modality),
        )

    def scans(self, rows: Sequence[int], *, patients: tuple[str, ...] | None = None) -> Scans:
        """These members whole, each with its mask and the spacing that it has then.

        Where they are resampled, the truth stays on the voxels of the file.
        """
        images, masks = self.images(None), self.masks(None)
        members, spacings = self._sound(rows, images, masks), self._spacings(images)
        image_at = _rows(images, self._leads(members))
        mask_at = _rows(masks, self._drawn(members))

        def read(row: int) -> Scan:
            return Scan(
                id=self.members[members[row]].id,
                image=images.image(image_at[row]),
                mask=masks.image(mask_at[row])[0],
                spacing_mm=spacings[members[row]],
            )

        @cache
        def drawn() -> tuple[Decoded, list[int]]:
            own = replace(self, spacing_mm=None).masks(None)
            return own, _rows(own, self._drawn(members))

        def truth(row: int) -> Truth:
            member = self.members[members[row]]
            own, at = drawn()
            return Truth(own.image(at[row])[0], grid_of(self.header(self._paths(member)))[1])

        return Scans(
            read=read,
            truth=None if self.spacing_mm is None else truth,
            sha256=lambda: fingerprint([images.sha256, masks.sha256, drawn()[0].sha256]),
            ids=tuple(self.members[row].id for row in members),
            dims=3,
            in_channels=len(self.modality),
            patients=patients and tuple(patients[row] for row in members),
            files=tuple(str(self.root / self.members[row].images[0]) for row in members),
            value_range=range_of(self.modality),
        )

    def voxel_mm3(self, rows: Sequence[int], size: int) -> NDArray[np.float64]:
        """``[N]``, of one voxel of these members."""
        spacings = self._spacings(self.images(size))
        return np.array([np.prod(spacings[row]) for row in rows])

    def _sound(self, rows: Sequence[int], images: Decoded, masks: Decoded | None) -> list[int]:
        """Those of which every file could be read."""
        broken = {*images.broken, *(masks.broken if masks else ())}
        members = self.members
        return [row for row in rows if not broken & {members[row].images[0], members[row].mask}]

    def _leads(self, rows: Sequence[int]) -> list[str]:
        return [self.members[row].images[0] for row in rows]

    def _drawn(self, rows: Sequence[int]) -> list[str]:
        return [str(self.members[row].mask) for row in rows]

    def _spacings(self, images: Decoded) -> dict[int, tuple[float, ...]]:
        """Of every member that could be read, along ``D``, ``H`` and ``W``."""
        told = dict(zip(images.files, images.facts, strict=True))
        leads = {row: member.images[0] for row, member in enumerate(self.members)}
        if self.spacing_mm is not None:
            return dict.fromkeys(leads, (self.spacing_mm,) * 3)
        return {row: tuple(told[lead]["spacing_mm"]) for row, lead in leads.items() if lead in told}

    @cached_property
    def _led(self) -> dict[Path, Member]:
        return {self.root / member.images[0]: member for member in self.members}

    def _paths(self, member: Member) -> list[Path]:
        return [self.root / file for file in member.images]

    def _told(self, lead: Path) -> dict[str, Any]:
        """Spacing, where the case keeps its own."""
        if self.spacing_mm is not None or lead not in self._led:
            return {}
        return {"spacing_mm": grid_of(self.header(self._paths(self._led[lead])))[1]}

    def _decoded(
        self, files: list[str], read: Callable[[Path], Any], dtype: str, decisive: list[Any]
    ) -> Decoded:
        settings = {"spacing_mm": self.spacing_mm, "settings": decisive, "version": VERSION}
        return decode(
            self.kind,
            self.root,
            files,
            read,
            dtype=dtype,
            settings={**settings, "beside": self._beside},
            skip_broken=self.skip_broken,
            describe=self._told,
        )

    @cached_property
    def _beside(self) -> list[list[Any]]:
        """Name, size and time of every file that decides a case beside the one that leads it."""
        named = [file for member in self.members for file in (*member.images, member.mask) if file]
        files = [below for file in named for below in _files_of(self.root / file)]
        try:
            states = [(file, file.stat()) for file in files]
        except OSError as error:
            lost = f"{error.filename} is listed and cannot be read: {error.strerror}."
            raise UserError(lost) from None
        return [[str(file), state.st_size, state.st_mtime_ns] for file, state in states]


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    voxels = [path.with_suffix(end) for end in (".raw", ".zraw") if path.suffix.lower() == ".mhd"]
    return [path, *(file for file in voxels if file.is_file())]


def _rows(decoded: Decoded, files: Sequence[str]) -> list[int]:
    place = {file: row for row, file in enumerate(decoded.files)}
    return [place[file] for file in files]
