"""Pictures of a list, of any size: squares for cases, whole for scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, decode
from pixvox_registry.errors import UserError
from pixvox_registry.faults.layout import DICOM
from pixvox_registry.picture import SUFFIXES, read_mask_picture, read_picture
from pixvox_registry.scans import Scan, Scans

VERSION = "1"  # of the cache; raise it when decoding changes


def is_picture(file: str) -> bool:
    """
    >>> is_picture("a/b.PNG"), is_picture("x-ray.dcm"), is_picture("ct.nii.gz"), is_picture("serie")
    (True, True, False, False)
    """
    return file.lower().endswith((*SUFFIXES, *DICOM))


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Files of one picture each, all with masks or all without.

    Args:
        kind: name of the cache.
        drawn: a mask for each, or None.
        labels: of masks, ``binary`` or ``values``.
        channels: 1 for grey, 3 for colour.
    """

    kind: str
    root: Path
    ids: tuple[str, ...]
    files: tuple[str, ...]
    drawn: tuple[str, ...] | None
    labels: str
    channels: int

    def images(self, size: int | None) -> Decoded:
        """``[C, H, W]`` uint8 of each, in a square of ``size`` pixels or whole."""
        read = partial(_read, channels=self.channels, size=size)
        return self._decoded(self.files, read, [self.channels, size])

    def masks(self) -> Decoded:
        """``[1, H, W]`` uint8 of each, whole."""
        read = partial(read_mask_picture, labels=self.labels)
        return self._decoded(self.drawn or (), read, [self.labels])

    def cases(self, rows: Sequence[int], size: int, *, patients: tuple[str, ...] | None) -> Cases:
        """``[N, C, size, size]`` uint8 of these rows.

        Args:
            patients: of every file, not of ``rows`` alone.
        """
        return Cases(
            images=self.images(size).stored.chosen(rows),
            ids=tuple(self.ids[row] for row in rows),
            patients=patients and tuple(patients[row] for row in rows),
        )

    def scans(self, rows: Sequence[int], *, patients: tuple[str, ...] | None) -> Scans:
        """These rows in their own size, each with its mask.

        Raises:
            UserError: a mask has other pixels than its image.
        """
        images, masks = self.images(None), self.masks()
        for row in rows:
            if images.shapes[row][1:] != masks.shapes[row][1:]:
                raise UserError(
                    f"The mask of {images.files[row]} has {masks.shapes[row][1:]} pixels, the "
                    f"image {images.shapes[row][1:]}. Mend or remove the pair."
                )

        def read(at: int) -> Scan:
            row = rows[at]
            return Scan(
                id=self.ids[row],
                image=images.image(row),
                mask=masks.image(row)[0],
                spacing_mm=None,
            )

        return Scans(
            read=read,
            ids=tuple(self.ids[row] for row in rows),
            dims=2,
            in_channels=self.channels,
            patients=patients and tuple(patients[row] for row in rows),
            files=tuple(str(self.root / self.files[row]) for row in rows),
        )

    def _decoded(self, files: Sequence[str], read: Any, settings: list[Any]) -> Decoded:
        return decode(
            self.kind,
            self.root,
            files,
            read,
            dtype="uint8",
            settings={"version": VERSION, "settings": settings},
            skip_broken=False,
        )


def _read(file: Path, *, channels: int, size: int | None) -> NDArray[Any]:
    if not file.name.lower().endswith(DICOM):
        return read_picture(file, channels=channels, size=size)
    from pixvox_registry.radiograph import read_radiograph

    return read_radiograph(file, channels=channels, size=size)
