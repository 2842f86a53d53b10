"""Phantoms in 2D: the outlines of an organ and its neighbour; made, not downloaded."""

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def phantom_organs_2d() -> SegmentationTask:
    """128 / 64 / 64 images of 32 px; a tenth of a metre wide, so distances are in mm."""
    return SegmentationTask(
        name="phantom_organs_2d",
        source=SOURCES.build("phantoms", "shapes_2d", count=128, image_size=32),
        structures=("organ", "neighbour"),
        patch_size=32,
        licence="CC0-1.0",
        units="patient",
        flips=(0, 1),  # they are made in every orientation
    )
