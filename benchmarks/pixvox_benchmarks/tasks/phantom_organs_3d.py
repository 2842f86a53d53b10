"""Phantoms in 3D: the outlines of an organ and its neighbour; made, not downloaded."""

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def phantom_organs_3d() -> SegmentationTask:
    """48 / 24 / 24 volumes of 32 voxels; a tenth of a metre wide, so distances are in mm."""
    return SegmentationTask(
        name="phantom_organs_3d",
        source=SOURCES.build("phantoms", "shapes_3d", count=48, image_size=32),
        structures=("organ", "neighbour"),
        patch_size=32,
        licence="CC0-1.0",
        units="patient",
        flips=(0, 1, 2),  # they are made in every orientation
    )
