"""MedMNIST v2: 18 sets of small images and volumes, as npz files (arXiv:2110.14795)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import digest
from pixvox_registry.cases import Cases
from pixvox_registry.download import Remote
from pixvox_registry.errors import NoData, UserError, unknown
from pixvox_registry.medmnist_table import Entry, table
from pixvox_registry.npz_array import NpzArray
from pixvox_registry.places import data_root
from pixvox_registry.source_spec import spell_source
from pixvox_registry.stored import Images

STORED = ("uint8", "int16", "float16", "float32")
DAMAGED = (OSError, EOFError, KeyError, ValueError, MemoryError, zipfile.BadZipFile, zlib.error)


@SOURCES.register
class MedMNIST:
    """One set, from ``$PIXVOX_DATA/medmnist/{flag}.npz`` or ``{flag}_{size}.npz``.

    A single label is called ``class``; those of a multi-label set ``class_0``, ``class_1``, ...
    Values are kept as stored. Patient ids are not published, so a case is an image.

    Args:
        flag: breastmnist, adrenalmnist3d, ...
        size: 28, 64, 128 or 224; volumes 28 or 64.
        file: another file name in that folder, or a path.
        allow_unverified: read a file whose md5 is not the official one; ``facts`` then says so.
    """

    splits: tuple[str, ...] = ("train", "val", "test")

    def __init__(
        self,
        flag: str,
        *,
        size: int = 28,
        file: str | None = None,
        allow_unverified: bool = False,
    ) -> None:
        self.flag = flag
        self.size = size
        self.file = file
        self.allow_unverified = allow_unverified

    @cached_property
    def entry(self) -> Entry:
        """What MedMNIST publishes of this set.

        Raises:
            UserError: no set has this flag, or it has not this size.
        """
        sets = table().sets
        if self.flag not in sets:
            raise unknown("MedMNIST set", self.flag, sets)
        entry = sets[self.flag]
        if str(self.size) not in entry.md5:
            raise UserError(
                f"{self.flag} comes in the sizes {', '.join(entry.md5)}; {self.size} came."
            )
        return entry

    @cached_property
    def dims(self) -> int:
        """3 for the sets that end in 3d."""
        return self.entry.dims

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels, in order."""
        return tuple(self.entry.classes)

    @property
    def name(self) -> str:
        """As written on the command line."""
        settings = {"size": self.size, "file": self.file, "allow_unverified": self.allow_unverified}
        return spell_source("medmnist", self.flag, settings, MedMNIST)

    @property
    def path(self) -> Path:
        """The file that is read."""
        return data_root() / "medmnist" / str(self.file or self._official_name())

    @staticmethod
    def offers() -> tuple[str, ...]:
        """All flags."""
        return tuple(table().sets)

    @staticmethod
    def found() -> list[str]:
        """A line for each file of MedMNIST on this disk, for ``build_source``."""
        lines = []
        for path in sorted((data_root() / "medmnist").glob("*.npz")):
            flags = [flag for flag in table().sets if path.stem.startswith(flag)]
            if not flags:
                continue
            flag = max(flags, key=len)  # organmnist3d, not organ...
            size = path.stem.removeprefix(f"{flag}_") if path.stem != flag else "28"
            official = size in table().sets[flag].md5
            settings = {"size": int(size)} if official else {"file": path.name}
            lines.append(spell_source("medmnist", flag, settings, MedMNIST))
        return lines

    def remotes(self) -> Sequence[Remote]:
        """The official file."""
        name = self._official_name()
        return [
            Remote(
                url=f"{table().url}/{name}",
                file=data_root() / "medmnist" / name,
                md5=self.entry.md5[str(self.size)],
            )
        ]

    def cases(self, split: str) -> Cases:
        """All cases of a split: ``[N, C, H, W]`` or ``[N, 1, D, H, W]``; of a large one on disk."""
        if split not in self.splits:
            raise unknown("split", split, self.splits)
        self._refuse_unverified()
        images = self._images(split)
        labels = self._checked_labels(split, self._labels(split), len(images))
        extent_mm = self.entry.extent_mm
        return Cases(
            images=images,
            ids=tuple(f"{split}/{i:05d}" for i in range(len(images))),
            labels=_named(torch.from_numpy(labels.astype(np.int64))),
            spacing_mm=(extent_mm / self.size,) * self.dims if extent_mm else None,
        )

    def facts(self) -> Mapping[str, Any]:
        """For provenance; ``verified`` is True where the md5 is the official one."""
        return {
            "dataset": f"medmnist:{self.flag}",
            "version": table().version,
            "licence": self.entry.licence,
            "verified": self._verified(),
            "sha256": _digest(self._present(), "sha256"),
        }

    def _official_name(self) -> str:
        return f"{self.flag}.npz" if self.size == 28 else f"{self.flag}_{self.size}.npz"

    def _present(self) -> Path:
        entry = self.entry  # an unknown flag is told first
        if not self.path.is_file():
            raise NoData(
                f"{self.flag} ({entry.dims}D) was looked for at {self.path} and is not there. "
                f"{self._remedy()}, or point PIXVOX_DATA at the folder above medmnist/."
            )
        return self.path

    def _remedy(self) -> str:
        """How to come by a good file, as the beginning of a sentence."""
        plain = spell_source("medmnist", self.flag, {"size": self.size}, MedMNIST)
        if self.path == self.remotes()[0].file:
            way = "Move it away and run" if self.path.exists() else "Run"
            return f"{way} `pixvox data get {plain}`"
        return (
            "Nobody publishes a file of this name: put a good one there, or take the official set, "
            f"{plain}, without file="
        )

    def _verified(self) -> bool:
        return _digest(self._present(), "md5") == self.entry.md5[str(self.size)]

    def _refuse_unverified(self) -> None:
        if not self._verified() and not self.allow_unverified:
            raise UserError(
                f"{self.path} is not the official {self.flag} at size {self.size}: its md5 is "
                f"{_digest(self.path, 'md5')}, the official one "
                f"{self.entry.md5[str(self.size)]}. {self._remedy()}, or "
                "read it with allow_unverified=true; every result then says that it is unverified."
            )

    def _images(self, split: str) -> Images:
        """``[N, C, *S]``."""
        with self._told_if_damaged(f"{split}_images"):
            array = NpzArray(self.path, f"{split}_images", arrange=self._arranged)
            shape, dtype = array.shape, array.dtype
        self._check_images(split, shape, dtype)
        with self._told_if_damaged(f"{split}_images"):
            if array.is_large():
                return array.stored()
            images = array.whole()
        if dtype.kind == "f" and not np.isfinite(images).all():
            raise UserError(f"{split}_images of {self.path} hold NaN or infinite values.")
        return torch.from_numpy(images)

    def _labels(self, split: str) -> NDArray[Any]:
        with self._told_if_damaged(f"{split}_labels"):
            return NpzArray(self.path, f"{split}_labels").whole()

    def _arranged(self, images: NDArray[Any]) -> NDArray[Any]:
        """``[N, *S]`` or ``[N, *S, C]`` to ``[N, C, *S]``."""
        if self.entry.channels == 1:
            return images[:, None]
        return np.ascontiguousarray(np.moveaxis(images, -1, 1))

    @contextmanager
    def _told_if_damaged(self, key: str) -> Iterator[None]:
        try:
            yield
        except DAMAGED as error:
            raise UserError(
                f"{self.path} cannot be read at {key!r} ({type(error).__name__}: {error}). It is "
                f"damaged or no MedMNIST file. {self._remedy()}."
            ) from error

    def _check_images(self, split: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        side = (self.size,) * self.dims
        wanted = side if self.entry.channels == 1 else (*side, self.entry.channels)
        if shape[1:] != wanted or dtype.name not in STORED:
            raise UserError(
                f"{split}_images of {self.path} should be N x {' x '.join(map(str, wanted))} "
                f"of {' or '.join(STORED)}; {shape} of {dtype} came."
            )
        if not shape[0]:
            raise UserError(f"Split {split!r} of {self.path} holds no case.")

    def _checked_labels(self, split: str, labels: NDArray[Any], number: int) -> NDArray[Any]:
        """``[N, 1]`` or ``[N, L]``, one column for each name of a multi-label set."""
        several = self.entry.task.startswith("multi-label")
        columns, highest = (len(self.classes), 1) if several else (1, len(self.classes) - 1)
        labels = labels[:, None] if labels.ndim == 1 else labels
        if labels.shape != (number, columns) or labels.dtype.kind not in "iu":
            raise UserError(
                f"{split}_labels of {self.path} should be {number} x {columns} whole numbers, one "
                f"row for each image; {labels.shape} of {labels.dtype} came."
            )
        if labels.min() < 0 or labels.max() > highest:
            raise UserError(
                f"{split}_labels of {self.path} should lie in 0 to {highest}; "
                f"{labels.min()} to {labels.max()} came."
            )
        return labels


def _named(labels: Tensor) -> dict[str, Tensor]:
    """``[N, L] -> {name: [N]}``."""
    if labels.shape[1] == 1:
        return {"class": labels[:, 0]}
    return {f"class_{column}": labels[:, column] for column in range(labels.shape[1])}


def _digest(file: Path, algorithm: str) -> str:
    """As ``artifacts.digest``, once per state of the file."""
    state = file.stat()
    return _digest_of_state(file, algorithm, state.st_size, state.st_mtime_ns)


@cache
def _digest_of_state(file: Path, algorithm: str, size: int, mtime_ns: int) -> str:
    return digest(file, algorithm)
