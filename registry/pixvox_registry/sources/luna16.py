"""LUNA16: candidates for nodules in CT of the lung, a cube around each (arXiv:1612.08012)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pixvox_registry import SOURCES
from pixvox_registry.artifacts import fingerprint
from pixvox_registry.candidates import Candidate, cubes, read_candidates, thinned
from pixvox_registry.cases import Cases
from pixvox_registry.decoded import Decoded, decode, folder_of
from pixvox_registry.errors import NoData, UserError, unknown
from pixvox_registry.meta_image import read_meta_image
from pixvox_registry.places import data_root
from pixvox_registry.source_spec import spell_source
from pixvox_registry.stored import Stored

VERSION = "1"  # of the cache; raise it when reading changes
LISTS = ("candidates_V2.csv", "candidates.csv")  # the first one that is there
SUBSETS: Mapping[str, tuple[int, ...]] = {"train": tuple(range(7)), "val": (7,), "test": (8, 9)}


@SOURCES.register
class Luna16:
    """Cubes around the candidates of ``$PIXVOX_DATA/luna16``; class 1 is a nodule.

    There lie ``candidates_V2.csv`` and the scans, MetaImages in folders ``subset0`` to ``subset9``.
    Subsets 0 to 6 are train, 7 is val, 8 and 9 are test, so no scan stands in two splits. Source
    line: ``luna16,negatives=20``.

    Args:
        cube_size: side of a cube in voxels.
        spacing_mm: of the voxels, along every axis.
        negatives: how many candidates of class 0 are kept for each one of class 1 in a subset,
            those whose names have the lowest digests; none keeps all of the 750,000.
    """

    dims: int = 3
    splits: tuple[str, ...] = tuple(SUBSETS)

    def __init__(
        self, *, cube_size: int = 32, spacing_mm: float = 1.0, negatives: int | None = 5
    ) -> None:
        self.cube_size = cube_size
        self.spacing_mm = spacing_mm
        self.negatives = negatives

    @property
    def name(self) -> str:
        """As written on the command line."""
        settings = {
            "cube_size": self.cube_size,
            "spacing_mm": self.spacing_mm,
            "negatives": self.negatives,
        }
        return spell_source("luna16", "", settings, Luna16)

    def cases(self, split: str) -> Cases:
        """``[N, 1, S, S, S]`` float16 with the label ``class``; the scan stands for the patient.

        Raises:
            NoData: the folder, the list or a subset is not there.
            UserError: a row of the list, or a scan, cannot be read.
        """
        decoded, candidates = self._decoded(split), self._candidates(split)
        shown = [candidate for file in decoded.files for candidate in candidates[file]]
        images = Stored(
            content=decoded.content,
            dtype=torch.float16,
            each=(1, *(self.cube_size,) * 3),
            rows=range(len(shown)),
        )
        return Cases(
            images=images,
            ids=tuple(candidate.id for candidate in shown),
            labels={"class": torch.tensor([candidate.label for candidate in shown])},
            patients=tuple(candidate.series for candidate in shown),
            spacing_mm=(self.spacing_mm,) * 3,
            value_range=(-1.0, 1.0),
        )

    def facts(self) -> Mapping[str, Any]:
        """The digest covers the voxels of every cube, its name and its class."""
        parts = [
            [
                [split, self._decoded(split).sha256],
                [[c.id, c.label] for listed in self._candidates(split).values() for c in listed],
            ]
            for split in SUBSETS
        ]
        return {
            "dataset": "luna16",
            "version": self._list.stem,
            "licence": "CC-BY-4.0",
            "verified": False,
            "sha256": fingerprint(parts),
        }

    @cached_property
    def _root(self) -> Path:
        return folder_of(str(data_root() / "luna16"), "luna16")

    @cached_property
    def _list(self) -> Path:
        for name in LISTS:
            if (self._root / name).is_file():
                return self._root / name
        raise NoData(
            f"{self._root} holds neither {' nor '.join(LISTS)}, where the candidates of LUNA16 "
            "stand. Put one of them there."
        )

    @cached_property
    def _by_series(self) -> dict[str, list[Candidate]]:
        found = defaultdict(list)
        for candidate in read_candidates(self._list):
            found[candidate.series].append(candidate)
        return found

    def _candidates(self, split: str) -> dict[str, list[Candidate]]:
        """``{scan: those that are kept}``, files below the root in their order."""
        if split not in SUBSETS:
            raise unknown("split", split, SUBSETS)
        by_series, kept = self._by_series, {}
        for number in SUBSETS[split]:
            folder = self._root / f"subset{number}"
            scans = sorted(folder.glob("*.mhd"))
            if not scans:
                raise NoData(f"{folder} holds no scan (.mhd). Unpack that subset of LUNA16 there.")
            listed = [candidate for scan in scans for candidate in by_series.get(scan.stem, ())]
            chosen = {candidate.id for candidate in thinned(listed, self.negatives)}
            for scan in scans:
                mine = [c for c in by_series.get(scan.stem, ()) if c.id in chosen]
                if mine:
                    kept[scan.relative_to(self._root).as_posix()] = mine
        if not kept:
            raise UserError(f"{self._list} lists no candidate of split {split!r}.")
        return kept

    def _decoded(self, split: str) -> Decoded:
        """``[K, S, S, S]`` of each scan, K its candidates."""
        candidates = self._candidates(split)

        def read(scan: Path) -> NDArray[np.float16]:
            mine = candidates[scan.relative_to(self._root).as_posix()]
            image = read_meta_image(scan)
            return cubes(image, mine, size=self.cube_size, spacing_mm=self.spacing_mm)

        wanted = {file: [[c.id, c.place_mm] for c in mine] for file, mine in candidates.items()}
        settings = {
            "cube_size": self.cube_size,
            "spacing_mm": self.spacing_mm,
            "candidates": fingerprint(wanted),
            "voxels": [_state(self._root / file) for file in candidates],
            "version": VERSION,
        }
        return decode(
            "luna16",
            self._root,
            list(candidates),
            read,
            dtype="float16",
            settings=settings,
            skip_broken=False,
        )


def _state(scan: Path) -> list[list[Any]]:
    """Name, size and time of what lies beside a header under its name."""
    states = {file: file.stat() for file in sorted(scan.parent.glob(f"{scan.stem}.*raw"))}
    return [[file.name, state.st_size, state.st_mtime_ns] for file, state in states.items()]
