"""Cases: the images of one split as they are stored, with ids, labels and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from pixvox_registry.resizing import resized
from pixvox_registry.stored import RESIDENT_BYTES, Images, chosen

GREY_LEVELS = (0.0, 255.0)


@dataclass(frozen=True, kw_only=True)
class Cases:
    """N cases of equal shape. A case is one patient or study, never a slice.

    Args:
        images: ``[N, C, *S]`` in the stored type (uint8, int16, float16 or float32): a tensor, or
            rows that stay on disk until they are read (``images[:]`` reads all of them).
        ids: one per case, unique within the source.
        labels: ``{name: [N] int64}``; the class of a case is called ``class``.
        masks: ``[N, *S]`` uint8 label maps, in memory or on disk as well, or None.
        patients: one per case, or None where the dataset does not say.
        spacing_mm: distance of neighbouring pixels or voxels along ``*S``, or None.
        value_range: the stored values of black and white, by which scales of different sources are
            brought to one another. By default those of uint8; a source of any other type must say,
            for nobody can tell from its values.

    Raises:
        ValueError: lengths differ, ids repeat, or white is not above black.
    """

    images: Images
    ids: tuple[str, ...]
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    masks: Images | None = None
    patients: tuple[str, ...] | None = None
    spacing_mm: tuple[float, ...] | None = None
    value_range: tuple[float, float] = GREY_LEVELS

    def __post_init__(self) -> None:
        lengths = {"ids": len(self.ids), **{k: len(v) for k, v in self.labels.items()}}
        for name, length in lengths.items():
            if length != len(self.images):
                raise ValueError(f"{len(self.images)} images but {length} {name}")
        if len(set(self.ids)) != len(self.ids):
            raise ValueError("case ids repeat")
        low, high = self.value_range
        if not low < high:
            raise ValueError(f"white {high} must be above black {low}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def dims(self) -> int:
        """2 for images, 3 for volumes."""
        return self.images.ndim - 2

    @property
    def in_channels(self) -> int:
        """C."""
        return self.images.shape[1]

    def chosen(self, rows: Sequence[int]) -> Cases:
        """The cases of these rows, in their order; what is on disk stays there."""
        place = list(rows)
        return replace(
            self,
            images=chosen(self.images, place),
            ids=tuple(self.ids[row] for row in place),
            labels={name: label[place] for name, label in self.labels.items()},
            masks=None if self.masks is None else chosen(self.masks, place),
            patients=self.patients and tuple(self.patients[row] for row in place),
        )

    def resized(self, size: int, *, resident_bytes: int = RESIDENT_BYTES) -> Cases:
        """The same cases with every side of ``*S`` at ``size``; the type is kept.

        Bilinear or trilinear, antialiased in 2D; masks take the nearest label. Images on disk that
        are larger than ``resident_bytes`` even so become a copy on disk.
        """
        sides = self.images.shape[2:]
        if set(sides) == {size}:
            return self
        masks, spacing_mm = self.masks, self.spacing_mm
        if masks is not None:
            masks = resized(masks, size, labels=True, resident_bytes=resident_bytes)
        if spacing_mm is not None:
            spacing_mm = tuple(mm * n / size for mm, n in zip(spacing_mm, sides, strict=True))
        images = resized(self.images, size, resident_bytes=resident_bytes)
        return replace(self, images=images, masks=masks, spacing_mm=spacing_mm)
