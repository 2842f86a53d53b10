"""Scans: cases in their own shapes, with masks, for whoever paints or outlines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from pixvox_registry.cases import GREY_LEVELS, Cases


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One case as it is stored.

    Args:
        image: ``[C, *S]``.
        mask: ``[*S]`` uint8 label map.
        spacing_mm: distance of neighbouring pixels or voxels along ``*S``, or None.
    """

    id: str
    image: Tensor
    mask: Tensor
    spacing_mm: tuple[float, ...] | None


@dataclass(frozen=True)
class Truth:
    """What a prediction is held against: a label map on the pixels or voxels of its file."""

    mask: Tensor  # [*S] uint8
    spacing_mm: tuple[float, ...] | None


@dataclass(frozen=True, kw_only=True)
class Scans(Sequence[Scan]):
    """N cases of differing shapes, each read when it is asked for.

    Args:
        read: a row to its scan.
        ids: one per case, unique within the source.
        dims: 2 or 3.
        in_channels: C.
        patients: one per case, or None where the dataset does not say.
        files: where each image comes from, so that a prediction can be brought back to it.
        value_range: the stored values of black and white, as :class:`Cases` has them.
        truth: a row to the mask and spacing of the file itself, where scans are resampled.
        sha256: of images, masks and truth, where the source's own digest does not cover them.

    Raises:
        ValueError: lengths differ, or ids repeat.
    """

    read: Callable[[int], Scan]
    ids: tuple[str, ...]
    dims: int
    in_channels: int
    patients: tuple[str, ...] | None = None
    files: tuple[str, ...] = ()
    value_range: tuple[float, float] = GREY_LEVELS
    truth: Callable[[int], Truth] | None = None
    sha256: Callable[[], str] | None = None

    def __post_init__(self) -> None:
        for name, values in {"patients": self.patients, "files": self.files}.items():
            if values and len(values) != len(self.ids):
                raise ValueError(f"{len(self.ids)} scans but {len(values)} {name}")
        if len(set(self.ids)) != len(self.ids):
            raise ValueError("ids of scans repeat")

    @classmethod
    def of(cls, cases: Cases) -> Scans:
        """Cases of one shape, with their masks.

        Raises:
            ValueError: they have none.
        """
        masks = cases.masks
        if masks is None:
            raise ValueError("scans need masks; these cases have none")

        def read(row: int) -> Scan:
            return Scan(
                id=cases.ids[row],
                image=cases.images[row],
                mask=masks[row],
                spacing_mm=cases.spacing_mm,
            )

        return cls(
            read=read,
            ids=cases.ids,
            dims=cases.dims,
            in_channels=cases.in_channels,
            patients=cases.patients,
            value_range=cases.value_range,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> Scan:  # type: ignore[override]
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        return self.read(row % len(self))

    def __iter__(self) -> Iterator[Scan]:
        return (self.read(row) for row in range(len(self)))

    def truth_of(self, row: int) -> Truth:
        """The mask of the file itself; that of the scan, where nothing was resampled."""
        if self.truth is not None:
            return self.truth(row)
        scan = self.read(row)
        return Truth(scan.mask, scan.spacing_mm)

    def chosen(self, rows: Sequence[int]) -> Scans:
        """The scans of these rows, in their order."""
        place, truth = list(rows), self.truth
        return replace(
            self,
            truth=None if truth is None else lambda row: truth(place[row]),
            read=lambda row: self.read(place[row]),
            ids=tuple(self.ids[row] for row in place),
            patients=self.patients and tuple(self.patients[row] for row in place),
            files=tuple(self.files[row] for row in place) if self.files else (),
        )
