"""Meter ``second_pass``: a pass over decoded cases against the first one, which reads the files."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pixvox_registry import METERS
from pixvox_registry.errors import NoData

FILES = 128
SIDES = {2: (512, 512, 3), 3: (96, 96, 64)}  # of a file that is made here
MADE = {2: "image_folder:{},channels=3", 3: "nifti:{}"}
REAL = {2: ("isic2017",), 3: ("msd:Task04_Hippocampus",)}
NOISE = 40.0  # grey levels; without it the files would compress better than scans do


@METERS.register
def second_pass(recipe: str | None, dims: int, seconds: float) -> list[dict[str, Any]]:
    """Cases a second of a whole pass, opening included: from the cache, and from the files.

    The files are JPEG pictures or ``.nii.gz`` volumes that are made here, and real data sets where
    ``$PIXVOX_DATA`` has them. The first pass decodes with all threads, and writes the cache; both
    passes find their files in the memory of the operating system.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        make_files(Path(folder), dims)
        rows.append(race(MADE[dims].format(folder), f"second_pass_{dims}d", seconds))
    for line in REAL[dims]:
        try:
            rows.append(race(line, f"second_pass_{line.split(':')[-1]}", seconds))
        except NoData:  # this machine lacks it
            continue
    return rows


def race(line: str, what: str, seconds: float) -> dict[str, Any]:
    """A row for all splits of a source, one after the other; of second passes the median counts.

    Raises:
        NoData: the source is not here.
    """
    from pixvox_registry.source_spec import build_source
    from pixvox_registry.stored import bytes_of, pieces

    def one_pass() -> tuple[float, int, int]:
        """Seconds, cases and bytes; the source is built anew and remembers nothing."""
        begun, cases, held = time.perf_counter(), 0, 0
        source = build_source(line)
        for split in source.splits:
            for piece in pieces(source.cases(split).images):
                cases += len(piece)
                held += bytes_of(piece)
        return time.perf_counter() - begun, cases, held

    with empty_cache():
        first, cases, held = one_pass()
        laps: list[float] = []
        while not laps or sum(laps) < seconds:
            laps.append(one_pass()[0])
    second = statistics.median(laps)
    return {
        "what": what,
        "ours": cases / second,
        "other": cases / first,
        "ratio": first / second,
        "unit": f"cases/s ({cases} cases, {held / 1e6:.0f} MB decoded)",
    }


def make_files(folder: Path, dims: int) -> None:
    """Coarse random fields with noise, as 8-bit JPEG or 16-bit NIfTI of 1 mm voxels."""
    import nibabel
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for number in range(FILES):
        field = random.uniform(0, 255, [8] * dims)
        for axis in range(dims):
            field = field.repeat(SIDES[dims][axis] // 8, axis)
        values = random.normal(field[..., None] if dims == 2 else field, NOISE, SIDES[dims])
        if dims == 2:
            picture = Image.fromarray(values.clip(0, 255).astype(np.uint8))
            picture.save(folder / f"{number}.jpg", quality=90)
        else:
            whole = values.astype(np.int16)
            volume = nibabel.Nifti1Image(whole, np.eye(4))  # type: ignore[no-untyped-call]
            nibabel.save(volume, folder / f"{number}.nii.gz")


@contextmanager
def empty_cache() -> Iterator[None]:
    """Nothing is cached here, and what is cached here goes away."""
    before = os.environ.get("PIXVOX_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PIXVOX_CACHE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["PIXVOX_CACHE"]
            else:
                os.environ["PIXVOX_CACHE"] = before
