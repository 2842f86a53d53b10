"""A task of the Medical Segmentation Decathlon, in splits by rule (arXiv:1902.09063)."""

from __future__ import annotations

from pixvox_benchmarks.ruled import Ruled
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import SOURCES


def decathlon_task(
    name: str,
    folder: str,
    *,
    structures: tuple[str, ...],
    spacing_mm: float,
    volume_size: int,
    patch_size: int,
    flips: tuple[int, ...] = (),
) -> SegmentationTask:
    """60, 15 and 25 % of the labelled cases, whose names decide; the official test keeps its masks.

    Patients are not published, so a case is an image.

    Args:
        folder: as it is unpacked below ``$PIXVOX_DATA``.
        structures: names of the labels 1, 2, ... of ``dataset.json``.
        spacing_mm: of the voxels to which scans are brought, along every axis.
        volume_size: side of the cubes for pretraining, in such voxels.
        patch_size: of training on masks, in such voxels.
        flips: axes of ``*S`` along which its anatomy may be mirrored.
    """
    source = SOURCES.build("msd", folder, volume_size=volume_size, spacing_mm=spacing_mm)
    return SegmentationTask(
        name=name,
        source=Ruled(source, rule=folder),
        structures=structures,
        patch_size=patch_size,
        licence="CC-BY-SA-4.0",
        units="image",
        flips=flips,
    )
