"""``odd_axes``, a task whose files store their axes each in another order, and outlines of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from nibabel import orientations

from pixvox_benchmarks.commands.score import score as command
from pixvox_benchmarks.examination import Outcome, examine
from pixvox_benchmarks.predictions import save
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.task_line import task_of
from pixvox_registry import COMMANDS, PROTOCOLS, SOURCES, TASKS
from pixvox_registry.__main__ import main
from pixvox_registry.contracts import Pretrained
from pixvox_registry.intensity import Intensity
from pixvox_registry.measuring import Segmentation
from pixvox_registry.scans import Scans

SIDES, SPACING_MM = (12, 10, 8), (1.0, 1.5, 2.0)  # a diagonal of 25 mm
AXES = ("RAS", "LPI", "SRA", "AIL", "PSR", "RAS", "ILP", "SAL")
TEST = ("p/c4", "p/c5", "p/c6", "p/c7")  # in c7 nothing but the organ is there


def pixvox(*words: object) -> int:
    with COMMANDS.lend("score", command):
        try:
            main(["score", *map(str, words)])
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def turned(voxels: Any, axes: str) -> Any:
    """Voxels on canonical axes, as a file that stores them in another order."""
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = (-5, 7, 30)
    turn = orientations.axcodes2ornt(axes)
    stored = orientations.apply_orientation(voxels, turn)
    return nibabel.Nifti1Image(stored, affine @ orientations.inv_ornt_aff(turn, voxels.shape))


def write_scans(root: Path) -> None:
    """Eight volumes of two structures, each stored in an order of its own."""
    draw = np.random.default_rng(0)
    for number, axes in enumerate(AXES):
        labels = np.zeros(SIDES, np.uint8)
        labels[2 : 6 + number % 3, 2:7, 1:5] = 1
        if number < 7:
            labels[7 + number % 2 :, 3:9, 3:7] = 2
        for what, voxels in (("masks", labels), ("images", draw.normal(size=SIDES))):
            file = root / what / "p" / f"c{number}.nii.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(
                turned(voxels.astype(np.float32 if what == "images" else "u1"), axes), file
            )
    splits = {"train": ["p/c0", "p/c1"], "val": ["p/c2", "p/c3"], "test": TEST}
    (root / "splits.json").write_text(json.dumps(splits))


@contextmanager
def lent(scanned: Path) -> Iterator[None]:
    """A task on these files, resampled for whoever outlines, and a protocol that errs a little."""

    def odd_axes() -> SegmentationTask:
        return SegmentationTask(
            name="odd_axes",
            source=SOURCES.build(
                "nifti",
                str(scanned),
                images="images",
                masks="masks",
                splits=str(scanned / "splits.json"),
                spacing_mm=1.2,
                volume_size=12,
            ),
            structures=("organ", "neighbour"),
            patch_size=8,
            licence="CC0-1.0",
            units="patient",
            flips=(),
        )

    with TASKS.lend("odd_axes", odd_axes), PROTOCOLS.lend("shifted", Shifted):
        yield


class Shifted:
    version, sees = "1", "scans"

    def __call__(self, train: Scans, val: Scans, test: Any, trial: Any) -> Segmentation:
        masks = [scan.mask.roll(1, 0) for scan in test()]
        masks[1] = torch.where(masks[1] == 2, 0, masks[1])  # one structure is missed
        return Segmentation(tuple(masks), {})


def published(task: str, folder: Path) -> Outcome:
    """What a cell publishes of its cases; its outlines are kept as ``--predictions`` does."""
    nobody = Pretrained(torch.nn.Identity(), Intensity((0.0,), (1.0,), (0.0, 1.0)), 8, "", {})
    outcome = examine("shifted", task_of(task), nobody, "tiny", 0)
    save(outcome.masks, task_of(task).scans("test"), folder)
    return outcome
